//! Who may use the camera. HTTP, tokens and RTSP all ask here, so that a change counts everywhere at once.

use std::{
    fmt,
    str::FromStr,
    sync::{Mutex, MutexGuard},
};

use crate::lock::lock;

/// Accounts that fit into the camera.
pub const MOST: usize = 16;
/// The longest name and the longest password, in bytes.
pub const LONGEST: usize = 64;

/// What an account may do. ONVIF Core Specification, 5.9.4.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    /// Everything.
    Administrator,
    /// Everything but the settings of the device itself and its accounts.
    Operator,
    /// Watch.
    User,
}

impl FromStr for Level {
    type Err = AccountError;

    fn from_str(text: &str) -> Result<Self, AccountError> {
        match text {
            "Administrator" => Ok(Self::Administrator),
            "Operator" => Ok(Self::Operator),
            "User" => Ok(Self::User),
            _ => Err(AccountError::Level),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Administrator => "Administrator",
            Self::Operator => "Operator",
            Self::User => "User",
        })
    }
}

/// One account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its password.
    pub password: String,
    /// What it may do.
    pub level: Level,
}

/// Why accounts stay as they were.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AccountError {
    /// The name is taken.
    #[error("an account of this name exists")]
    Taken,
    /// There is no such account.
    #[error("no account of this name exists")]
    Missing,
    /// Nobody would be left to manage the camera.
    #[error("the last administrator must stay one")]
    LastAdministrator,
    /// The camera is full.
    #[error("the camera holds {MOST} accounts at most")]
    TooMany,
    /// An empty name or password, or one that is too long.
    #[error("names and passwords have 1 to {LONGEST} bytes")]
    Length,
    /// No level of this camera.
    #[error("levels are Administrator, Operator and User")]
    Level,
}

type Listener = Box<dyn Fn(&[Account]) + Send + Sync>;

/// All accounts, and those who want to know when they change.
pub struct Accounts {
    list: Mutex<Vec<Account>>,
    listeners: Mutex<Vec<Listener>>,
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts").field("list", &self.list).finish_non_exhaustive()
    }
}

impl Accounts {
    /// One administrator.
    pub fn new(name: &str, password: &str) -> Self {
        let first =
            Account { name: name.to_owned(), password: password.to_owned(), level: Level::Administrator };
        Self { list: Mutex::new(vec![first]), listeners: Mutex::default() }
    }

    /// Tells `listener` of the accounts now, and again after every change.
    pub fn follow(&self, listener: impl Fn(&[Account]) + Send + Sync + 'static) {
        listener(&self.lock());
        lock(&self.listeners).push(Box::new(listener));
    }

    /// All of them.
    pub fn all(&self) -> Vec<Account> {
        self.lock().clone()
    }

    /// The account called `name`.
    pub fn find(&self, name: &str) -> Option<Account> {
        self.lock().iter().find(|account| account.name == name).cloned()
    }

    /// Adds all of `new`, or none.
    ///
    /// # Errors
    /// When one of them cannot be added.
    pub fn create(&self, new: Vec<Account>) -> Result<(), AccountError> {
        self.change(|list| {
            for account in new {
                if list.iter().any(|known| known.name == account.name) {
                    return Err(AccountError::Taken);
                }
                if account.name.is_empty() || account.name.len() > LONGEST {
                    return Err(AccountError::Length);
                }
                list.push(account);
            }
            Ok(())
        })
    }

    /// Gives account `name` another password, if there is one, and another level.
    ///
    /// # Errors
    /// When there is no such account, or it may not be changed so.
    pub fn set(&self, name: &str, password: Option<&str>, level: Level) -> Result<(), AccountError> {
        self.change(|list| {
            let known = list.iter_mut().find(|account| account.name == name).ok_or(AccountError::Missing)?;
            if let Some(password) = password {
                password.clone_into(&mut known.password);
            }
            known.level = level;
            Ok(())
        })
    }

    /// Removes all of `names`, or none.
    ///
    /// # Errors
    /// When one of them cannot be removed.
    pub fn delete(&self, names: &[&str]) -> Result<(), AccountError> {
        self.change(|list| {
            for name in names {
                let at = list.iter().position(|account| account.name == *name);
                list.remove(at.ok_or(AccountError::Missing)?);
            }
            Ok(())
        })
    }

    fn change(
        &self,
        edit: impl FnOnce(&mut Vec<Account>) -> Result<(), AccountError>,
    ) -> Result<(), AccountError> {
        let mut list = self.lock();
        let mut edited = list.clone();
        edit(&mut edited)?;
        if edited.len() > MOST {
            return Err(AccountError::TooMany);
        }
        if edited.iter().any(|account| account.password.is_empty() || account.password.len() > LONGEST) {
            return Err(AccountError::Length);
        }
        if !edited.iter().any(|account| account.level == Level::Administrator) {
            return Err(AccountError::LastAdministrator);
        }
        *list = edited;
        for listener in lock(&self.listeners).iter() {
            listener(&list);
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Account>> {
        lock(&self.list)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    fn lena(level: Level) -> Account {
        Account { name: "lena".to_owned(), password: "x".to_owned(), level }
    }

    #[test]
    fn whoever_follows_hears_of_every_change_and_of_no_failure() {
        let accounts = Accounts::new("demo", "demo");
        let count = Arc::new(AtomicUsize::new(0));
        let heard = count.clone();
        accounts.follow(move |list| heard.store(list.len(), Ordering::SeqCst));
        assert_eq!(count.load(Ordering::SeqCst), 1);
        accounts.create(vec![lena(Level::User)]).unwrap();
        assert_eq!(count.load(Ordering::SeqCst), 2);
        assert_eq!(accounts.create(vec![lena(Level::User)]), Err(AccountError::Taken));
        assert_eq!(accounts.delete(&["lena", "nobody"]), Err(AccountError::Missing));
        assert_eq!(accounts.all().len(), 2, "all or none");
        accounts.delete(&["lena"]).unwrap();
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn an_administrator_stays() {
        let accounts = Accounts::new("demo", "demo");
        assert_eq!(accounts.delete(&["demo"]), Err(AccountError::LastAdministrator));
        assert_eq!(accounts.set("demo", None, Level::User), Err(AccountError::LastAdministrator));
        accounts.create(vec![lena(Level::Administrator)]).unwrap();
        accounts.delete(&["demo"]).unwrap();
        accounts.set("lena", Some("new"), Level::Administrator).unwrap();
        assert_eq!(accounts.find("lena").unwrap().password, "new");
    }
}
