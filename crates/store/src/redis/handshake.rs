//! What a connection says first: who it is, and which database it wants.

use super::config::Config;
use super::replies::Reply;
use crate::error::StoreError;

/// AUTH and SELECT as data. All of it is sent at once; then there are [`Handshake::replies`] replies.
#[derive(Clone, Debug)]
pub struct Handshake {
    commands: Vec<redis::Cmd>,
}

impl Handshake {
    /// What `config` asks for: nothing, for no password and database 0.
    pub fn new(config: &Config) -> Self {
        let mut commands = Vec::new();
        if let Some(password) = &config.auth.password {
            let mut auth = redis::cmd("AUTH");
            if let Some(username) = &config.auth.username {
                auth.arg(username);
            }
            auth.arg(password.reveal());
            commands.push(auth);
        }
        if config.database != 0 {
            let mut select = redis::cmd("SELECT");
            select.arg(config.database);
            commands.push(select);
        }
        Self { commands }
    }

    /// Appends it to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        for command in &self.commands {
            command.write_packed_command(out);
        }
    }

    /// How many replies come.
    pub const fn replies(&self) -> usize {
        self.commands.len()
    }

    /// Checks one of the replies.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for a wrong user or password, or a database that is not there; the error that the reply is.
    pub fn check(reply: &Reply) -> Result<(), StoreError> {
        match reply {
            Reply::Okay => Ok(()),
            Reply::Error(StoreError::Server(text)) => Err(StoreError::Refused(text.clone())),
            Reply::Error(error) => Err(error.clone()),
            other => Err(StoreError::Malformed(format!("{other:?} to a handshake"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(url: &str) -> (String, usize) {
        let handshake = Handshake::new(&Config::from_url(url).unwrap());
        let mut bytes = Vec::new();
        handshake.write(&mut bytes);
        (String::from_utf8(bytes).unwrap(), handshake.replies())
    }

    #[test]
    fn only_what_is_asked_for_is_said() {
        assert_eq!(written("redis://localhost"), (String::new(), 0));
        let (said, replies) = written("redis://:secret@localhost/3");
        assert_eq!(
            said,
            "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"
        );
        assert_eq!(replies, 2);
        let (said, _) = written("redis://app:secret@localhost");
        assert_eq!(said, "*3\r\n$4\r\nAUTH\r\n$3\r\napp\r\n$6\r\nsecret\r\n");
    }

    #[test]
    fn refusals_are_refusals() {
        let wrong = StoreError::of_reply("WRONGPASS", "invalid username-password pair");
        assert_eq!(
            Handshake::check(&Reply::Error(wrong)).unwrap_err().word(),
            "refused"
        );
        let wrong = StoreError::of_reply("ERR", "DB index is out of range");
        assert_eq!(
            Handshake::check(&Reply::Error(wrong)).unwrap_err().word(),
            "refused"
        );
        assert_eq!(Handshake::check(&Reply::Okay), Ok(()));
    }
}
