//! The binaries `op-scim-bridge` and `scim-directory`, and the tests that see the project from outside.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// Starts this program anew with a value in its environment if that is among its arguments, after one of `flags`: those are
/// for everybody on this machine to see, and a password may be there.
///
/// # Errors
///
/// When the program cannot be started again.
#[cfg(unix)]
pub fn take_from_arguments(variable: &str, flags: &[&str], value: &str) -> std::io::Result<()> {
    use std::os::unix::process::CommandExt as _;
    if std::env::var(variable).is_ok_and(|set| set == value) {
        return Ok(());
    }
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    let mut others = Vec::new();
    while let Some(argument) = arguments.next() {
        let bytes = argument.as_encoded_bytes();
        let after = |flag: &&str| bytes.strip_prefix(flag.as_bytes());
        match flags.iter().find_map(after) {
            Some([]) => drop(arguments.next()),
            Some([b'=', ..]) => {}
            _ => others.push(argument),
        }
    }
    let mut command = std::process::Command::new(std::env::current_exe()?);
    Err(command.arg0(name).args(others).env(variable, value).exec())
}
