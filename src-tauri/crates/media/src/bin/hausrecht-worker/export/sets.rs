//! Parameter sets of H.264: those of pictures that were encoded anew are put beside the camera's own, under numbers that the
//! camera does not use, so that both lie in one track and every decoder knows which picture goes by which.

use anyhow::{Context, ensure};

/// Contents of an `avcC`. ISO/IEC 14496-15, 5.3.3.1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Sets {
    profile: u8,
    compatibility: u8,
    level: u8,
    /// Sequence parameter sets.
    sps: Vec<Vec<u8>>,
    /// Picture parameter sets.
    pps: Vec<Vec<u8>>,
    /// What high profiles append.
    rest: Vec<u8>,
}

impl Sets {
    /// Reads `avcC`; an error if pictures' parts do not have lengths of four bytes, or it is not one.
    pub(crate) fn parse(bytes: &[u8]) -> anyhow::Result<Self> {
        let [1, profile, compatibility, level, lengths, sps_count, rest @ ..] = bytes else {
            anyhow::bail!("not an avcC");
        };
        ensure!(lengths & 3 == 3, "lengths of less than four bytes");
        let (sps, rest) = take_sets(usize::from(sps_count & 0x1f), rest)?;
        let (pps_count, rest) = rest.split_first().context("an avcC without its end")?;
        let (pps, rest) = take_sets(usize::from(*pps_count), rest)?;
        ensure!(!sps.is_empty() && !pps.is_empty(), "an avcC without parameter sets");
        Ok(Self {
            profile: *profile,
            compatibility: *compatibility,
            level: *level,
            sps,
            pps,
            rest: rest.to_vec(),
        })
    }

    /// The profile's number in the specification.
    pub(crate) fn profile(&self) -> u8 {
        self.profile
    }

    /// A number that no set has; `x264` gives it to both of its sets.
    pub(crate) fn free_number(&self) -> Option<u8> {
        let taken = |number: u32| {
            self.sps.iter().any(|set| sps_number(set) == Some(number))
                || self.pps.iter().any(|set| exp_golomb(set.get(1..).unwrap_or_default(), 0) == Some(number))
        };
        (1..=31).rev().find(|number| !taken(u32::from(*number)))
    }

    /// Whether these are the sets of `other`, with others behind them or without.
    pub(crate) fn begins_with(&self, other: &Self) -> bool {
        self.profile == other.profile && self.sps.starts_with(&other.sps) && self.pps.starts_with(&other.pps)
    }

    /// Takes the sets of `other` in.
    pub(crate) fn join(&mut self, other: &Self) {
        self.level = self.level.max(other.level);
        self.compatibility &= other.compatibility;
        self.sps.extend(other.sps.iter().cloned());
        self.pps.extend(other.pps.iter().cloned());
    }

    /// Writes `avcC`.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = vec![1, self.profile, self.compatibility, self.level, 0xff];
        for (sets, mark) in [(&self.sps, 0xe0), (&self.pps, 0)] {
            out.push(mark | u8::try_from(sets.len()).unwrap_or(0));
            for set in sets {
                out.extend(u16::try_from(set.len()).unwrap_or(0).to_be_bytes());
                out.extend(set);
            }
        }
        out.extend(&self.rest);
        out
    }
}

fn take_sets(count: usize, mut bytes: &[u8]) -> anyhow::Result<(Vec<Vec<u8>>, &[u8])> {
    let mut sets = Vec::new();
    for _ in 0..count {
        let len = bytes.get(..2).context("an avcC is cut short")?;
        let len = usize::from(u16::from_be_bytes([len[0], len[1]]));
        sets.push(bytes.get(2..2 + len).context("an avcC is cut short")?.to_vec());
        bytes = bytes.get(2 + len..).unwrap_or_default();
    }
    Ok((sets, bytes))
}

/// The number of a sequence parameter set: behind its head, profile, flags and level.
fn sps_number(set: &[u8]) -> Option<u32> {
    exp_golomb(set.get(4..)?, 0)
}

/// An unsigned Exp-Golomb number of up to 16 bits at bit `at`.
fn exp_golomb(bytes: &[u8], at: usize) -> Option<u32> {
    let bit = |at: usize| Some(u32::from(bytes.get(at / 8)? >> (7 - at % 8) & 1));
    let mut zeros = 0;
    while bit(at + zeros)? == 0 {
        zeros += 1;
        if zeros > 16 {
            return None;
        }
    }
    let mut value = 0;
    for index in 0..=zeros {
        value = value << 1 | bit(at + zeros + index)?;
    }
    Some(value - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AVCC: [u8; 21] =
        [1, 66, 0xc0, 30, 0xff, 0xe1, 0, 5, 0x67, 66, 0xc0, 30, 0x80, 1, 0, 2, 0x68, 0x80, 9, 9, 9];

    #[test]
    fn sets_are_read_and_written_as_they_were() {
        let sets = Sets::parse(&AVCC).unwrap();
        assert_eq!(sets.bytes(), AVCC);
        assert_eq!(sets.free_number(), Some(31));
        let mut joined = sets.clone();
        joined.join(&Sets { level: 40, ..sets.clone() });
        assert_eq!(Sets::parse(&joined.bytes()).unwrap().sps.len(), 2);
        assert_eq!(joined.level, 40);
    }

    #[test]
    fn what_is_cut_or_damaged_is_refused_without_a_panic() {
        for cut in 0..AVCC.len() {
            for value in [0, 0x80, 0xff] {
                let mut damaged = AVCC[..cut].to_vec();
                if let Some(last) = damaged.last_mut() {
                    *last = value;
                }
                if let Ok(sets) = Sets::parse(&damaged) {
                    sets.free_number();
                }
            }
        }
    }

    #[test]
    fn numbers_are_read_from_their_bits() {
        assert_eq!(exp_golomb(&[0b1000_0000], 0), Some(0));
        assert_eq!(exp_golomb(&[0b0101_0000], 0), Some(1));
        assert_eq!(exp_golomb(&[0b0000_1000, 0b0000_0000], 0), Some(15));
        assert_eq!(exp_golomb(&[0, 0, 0], 0), None);
    }
}
