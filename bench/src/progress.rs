//! A progress bar where somebody looks; nothing where nobody does.

use std::cell::Cell;
use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How far something is.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    /// Steps that the bar has not been told: telling it costs more than a request should.
    untold: Cell<u64>,
    is_hidden: bool,
}

const TOLD_AT_ONCE: u64 = 64;

impl Progress {
    /// A bar of so many steps; one that only counts if nobody knows how many.
    pub(crate) fn new(what: &str, steps: Option<u64>) -> Self {
        let is_hidden = !std::io::stderr().is_terminal();
        if is_hidden {
            return Self::hidden();
        }
        let template = match steps {
            Some(_) => "{msg:32} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}",
            None => "{msg:32} {spinner} {human_pos} {per_sec} {elapsed}",
        };
        let bar = ProgressBar::with_draw_target(steps, ProgressDrawTarget::stderr_with_hz(5));
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(500));
        Self { bar, untold: Cell::new(0), is_hidden }
    }

    pub(crate) fn hidden() -> Self {
        Self { bar: ProgressBar::hidden(), untold: Cell::new(0), is_hidden: true }
    }

    pub(crate) fn step(&self) {
        self.steps(1);
    }

    pub(crate) fn steps(&self, steps: u64) {
        if self.is_hidden {
            return;
        }
        let untold = self.untold.get().saturating_add(steps);
        if untold >= TOLD_AT_ONCE {
            self.bar.inc(untold);
            self.untold.set(0);
        } else {
            self.untold.set(untold);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
