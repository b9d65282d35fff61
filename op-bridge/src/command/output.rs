use std::io::{self, ErrorKind, Write as _};

/// Why something could not be printed: the disk that the output goes to is full, for example.
#[derive(Debug, thiserror::Error)]
#[error("the output cannot be written: {0}")]
pub struct PrintError(io::Error);

/// Prints to standard output. A reader that has seen enough, such as `head`, is no error.
///
/// # Errors
///
/// [`PrintError`] when it cannot be written for any other reason.
pub fn print(text: &str) -> Result<(), PrintError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(PrintError(error)),
        _ => Ok(()),
    }
}

/// Prints a line to standard error. Where even that cannot be written there is nobody to tell.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
