//! The control channel: a Unix `SOCK_SEQPACKET` pair that carries one JSON message a datagram, with descriptors beside it.

use std::{
    io::{self, IoSlice, IoSliceMut},
    marker::PhantomData,
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
        SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, SocketFlags, SocketType, recvmsg,
        sendmsg, shutdown, socketpair,
    },
};
use serde::{Serialize, de::DeserializeOwned};

/// The longest control message.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// The most descriptors that travel with one message.
pub const MAX_DESCRIPTORS: usize = 4;

/// Why a control message could not be sent or received.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// The other side is gone.
    #[error("the other side closed the control channel")]
    Closed,
    /// The message has `len_bytes`, more than is allowed.
    #[error("a control message of {len_bytes} bytes is over the limit")]
    TooLong {
        /// Its length, or the limit if it was cut.
        len_bytes: usize,
    },
    /// The channel is full; only from [`Sender::try_send`].
    #[error("the control channel is full")]
    Full,
    /// The bytes are not a message.
    #[error("not a control message: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The socket failed.
    #[error("control channel: {0}")]
    Socket(#[from] io::Error),
}

/// Makes a connected pair of control sockets, both close-on-exec.
///
/// # Errors
/// The kernel refuses, for want of descriptors or memory.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// The sending half; cheap to clone, usable from many threads.
#[derive(Debug)]
pub struct Sender<T> {
    socket: Arc<OwnedFd>,
    message: PhantomData<fn(T)>,
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { socket: Arc::clone(&self.socket), message: PhantomData }
    }
}

impl<T: Serialize> Sender<T> {
    /// Sends `message`; waits while the channel is full.
    ///
    /// # Errors
    /// [`ControlError::Closed`], [`ControlError::TooLong`] or a failing socket.
    pub fn send(&self, message: &T) -> Result<(), ControlError> {
        self.send_with(message, &[])
    }

    /// Sends `message` with up to [`MAX_DESCRIPTORS`] descriptors.
    ///
    /// # Errors
    /// As [`Sender::send`].
    pub fn send_with(&self, message: &T, descriptors: &[BorrowedFd<'_>]) -> Result<(), ControlError> {
        self.transmit(message, descriptors, SendFlags::NOSIGNAL)
    }

    /// Sends `message` unless the channel is full.
    ///
    /// # Errors
    /// [`ControlError::Full`], else as [`Sender::send`].
    pub fn try_send(&self, message: &T) -> Result<(), ControlError> {
        self.transmit(message, &[], SendFlags::NOSIGNAL | SendFlags::DONTWAIT)
    }

    /// Sends `message` with descriptors unless the channel is full.
    ///
    /// # Errors
    /// [`ControlError::Full`], else as [`Sender::send`].
    pub fn try_send_with(&self, message: &T, descriptors: &[BorrowedFd<'_>]) -> Result<(), ControlError> {
        self.transmit(message, descriptors, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)
    }

    /// Ends the channel in both directions; a waiting [`Receiver`] on either side sees [`ControlError::Closed`].
    pub fn close(&self) {
        // A socket that is gone already is as closed as it can be.
        let _ = shutdown(&*self.socket, Shutdown::Both);
    }

    fn transmit(&self, message: &T, fds: &[BorrowedFd<'_>], flags: SendFlags) -> Result<(), ControlError> {
        let bytes = serde_json::to_vec(message)?;
        if bytes.len() > MAX_MESSAGE_BYTES {
            return Err(ControlError::TooLong { len_bytes: bytes.len() });
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(fds)) {
            return Err(io::Error::from(Errno::INVAL).into());
        }
        loop {
            match sendmsg(&*self.socket, &[IoSlice::new(&bytes)], &mut ancillary, flags) {
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Err(ControlError::Full),
                Err(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN) => return Err(ControlError::Closed),
                Err(errno) => return Err(io::Error::from(errno).into()),
            }
        }
    }
}

/// The receiving half.
#[derive(Debug)]
pub struct Receiver<T> {
    socket: Arc<OwnedFd>,
    buffer: Vec<u8>,
    message: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Receiver<T> {
    /// Waits for the next message.
    ///
    /// # Errors
    /// [`ControlError::Closed`] at the end; [`ControlError::Malformed`] and [`ControlError::TooLong`] leave the channel
    /// usable, but a side that sends such is not to be trusted further.
    pub fn recv(&mut self) -> Result<T, ControlError> {
        self.recv_with().map(|(message, _)| message)
    }

    /// Waits for the next message, at most `limit`; `None` if none came.
    ///
    /// # Errors
    /// As [`Receiver::recv`].
    pub fn recv_timeout(&mut self, limit: Duration) -> Result<Option<T>, ControlError> {
        let limit = Timespec::try_from(limit).map_err(|_| io::Error::from(Errno::INVAL))?;
        let mut waiting = [PollFd::new(&*self.socket, PollFlags::IN)];
        match poll(&mut waiting, Some(&limit)) {
            Ok(0) | Err(Errno::INTR) => Ok(None),
            Ok(_) => self.recv().map(Some),
            Err(errno) => Err(io::Error::from(errno).into()),
        }
    }

    /// Waits for the next message and the descriptors that came with it.
    ///
    /// # Errors
    /// As [`Receiver::recv`].
    pub fn recv_with(&mut self) -> Result<(T, Vec<OwnedFd>), ControlError> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let received = loop {
            let mut slices = [IoSliceMut::new(&mut self.buffer)];
            match recvmsg(&*self.socket, &mut slices, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
                Ok(received) => break received,
                Err(Errno::INTR) => {}
                Err(Errno::CONNRESET) => return Err(ControlError::Closed),
                Err(errno) => return Err(io::Error::from(errno).into()),
            }
        };
        let mut descriptors = Vec::new();
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                descriptors.extend(rights);
            }
        }
        if received.bytes == 0 {
            return Err(ControlError::Closed);
        }
        if received.flags.contains(ReturnFlags::TRUNC) || received.flags.contains(ReturnFlags::CTRUNC) {
            return Err(ControlError::TooLong { len_bytes: MAX_MESSAGE_BYTES });
        }
        let bytes = self.buffer.get(..received.bytes).unwrap_or_default();
        Ok((serde_json::from_slice(bytes)?, descriptors))
    }

    /// The socket, for those who wait with a poll of their own.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Splits one end of a [`pair`] into its two directions.
pub fn split<Out, In>(socket: OwnedFd) -> (Sender<Out>, Receiver<In>) {
    let socket = Arc::new(socket);
    let sender = Sender { socket: Arc::clone(&socket), message: PhantomData };
    (sender, Receiver { socket, buffer: vec![0; MAX_MESSAGE_BYTES], message: PhantomData })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Event, Order, Sandbox};

    #[test]
    fn messages_and_descriptors_arrive() {
        let (ours, theirs) = pair().unwrap();
        let (to_worker, mut from_worker) = split::<Order, Event>(ours);
        let (to_engine, mut from_engine) = split::<Event, Order>(theirs);
        let file = tempfile::tempfile().unwrap();
        to_worker.send_with(&Order::Cut, &[file.as_fd()]).unwrap();
        let (order, descriptors) = from_engine.recv_with().unwrap();
        assert!(matches!(order, Order::Cut));
        assert_eq!(descriptors.len(), 1);
        to_engine.send(&Event::Ready { sandbox: Sandbox::Full }).unwrap();
        assert_eq!(from_worker.recv().unwrap(), Event::Ready { sandbox: Sandbox::Full });
        drop((to_engine, from_engine));
        assert!(matches!(from_worker.recv(), Err(ControlError::Closed)));
    }

    #[test]
    fn garbage_is_an_error_and_the_next_message_still_arrives() {
        let (ours, theirs) = pair().unwrap();
        let (_, mut from_worker) = split::<Order, Event>(ours);
        for garbage in [&b"{}"[..], b"\xff\xfe", b"[[[[", br#"{"event":"frame","slot":-1}"#] {
            rustix::net::send(&theirs, garbage, SendFlags::empty()).unwrap();
            assert!(matches!(from_worker.recv(), Err(ControlError::Malformed(_))));
        }
        rustix::net::send(&theirs, &vec![b' '; MAX_MESSAGE_BYTES + 1], SendFlags::empty()).unwrap();
        assert!(matches!(from_worker.recv(), Err(ControlError::TooLong { .. })));
        let (to_engine, _) = split::<Event, Order>(theirs);
        to_engine.send(&Event::Ready { sandbox: Sandbox::None }).unwrap();
        assert!(from_worker.recv().is_ok());
    }

    #[test]
    fn a_full_channel_does_not_block_try_send() {
        let (_ours, theirs) = pair().unwrap();
        let (to_engine, _) = split::<Event, Order>(theirs);
        let full =
            (0..100_000).find_map(|_| to_engine.try_send(&Event::Ready { sandbox: Sandbox::Full }).err());
        assert!(matches!(full, Some(ControlError::Full)));
    }
}
