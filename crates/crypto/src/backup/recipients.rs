use std::io::Write;

use age::Encryptor;
use age::stream::StreamWriter;
use age::x25519::Recipient;

use super::BackupError;

/// The public keys whose owners can open a backup, each of them alone.
pub struct Recipients(Vec<Recipient>);

impl Recipients {
    /// From public keys, one a line; empty lines and lines that begin with `#` are passed over.
    pub fn parse(text: &str) -> Result<Self, BackupError> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys: Vec<_> = lines
            .map(|line| line.parse().map_err(|_| BackupError::Recipient(line.chars().take(80).collect())))
            .collect::<Result<_, _>>()?;
        if keys.is_empty() { Err(BackupError::NoRecipient) } else { Ok(Self(keys)) }
    }

    /// What is written to the writer that this gives can be read by the recipients. It has to be finished
    /// ([`StreamWriter::finish`]), or the end is missed when it is opened.
    pub fn seal<W: Write>(&self, output: W) -> Result<StreamWriter<W>, BackupError> {
        let recipients = self.0.iter().map(|key| -> &dyn age::Recipient { key });
        Encryptor::with_recipients(recipients)
            .map_err(BackupError::Seal)?
            .wrap_output(output)
            .map_err(|error| BackupError::Seal(age::EncryptError::Io(error)))
    }
}
