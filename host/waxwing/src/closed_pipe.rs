//! Who reads the output may have seen enough, as `head` has. Then the command is over, without a word.

use std::panic;

/// What a shell says of a program that SIGPIPE has ended, as it ends other programs.
const CODE: i32 = 128 + 13;

/// End quietly where something is printed into a pipe that nobody reads any more; the standard library panics then.
pub fn ends_quietly() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let is_closed =
            |said: &str| said.starts_with("failed printing to std") && said.contains("Broken pipe");
        if info.payload_as_str().is_some_and(is_closed) {
            std::process::exit(CODE);
        }
        usual(info);
    }));
}
