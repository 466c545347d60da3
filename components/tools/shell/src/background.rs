//! Programs that go on after the call: started, looked at, stopped.

use std::time::Duration;

use openkoi_sdk::{
    Result,
    process::{self, Command, Glance},
    tool::Output,
};

use crate::{clean, report};

/// The time in which a program that cannot start has said so.
const TO_BEGIN: Duration = Duration::from_millis(700);

#[openkoi_sdk::arguments]
pub(crate) struct Look {
    #[schemars(length(min = 1))]
    id: String,
    #[serde(default)]
    wait_ms: Option<u64>,
}

#[openkoi_sdk::arguments]
pub(crate) struct Stop {
    #[schemars(length(min = 1))]
    id: String,
}

/// Starts a program, and tells what it says first.
pub(crate) fn start(command: &Command) -> Result<Output> {
    let id = command.spawn_in_background()?;
    let glance = process::look(&id, TO_BEGIN)?;
    let how = format!(
        "it goes on in the background as {id}; `shell_output` shows more, `shell_stop` ends it, and it \
         ends when the work is looked at"
    );
    Ok(told(&glance, &how, &format!("in the background as {id}")))
}

/// Tells what a program has done since the last look.
pub(crate) fn look(arguments: &Look) -> Result<Output> {
    let wait = Duration::from_millis(arguments.wait_ms.unwrap_or(0));
    let glance = process::look(&arguments.id, wait)?;
    Ok(told(&glance, "it goes on", "goes on"))
}

/// Stops a program.
pub(crate) fn stop(arguments: &Stop) -> Result<Output> {
    let glance = process::stop(&arguments.id)?;
    Ok(told(&glance, "it was stopped", "stopped"))
}

fn told(glance: &Glance, goes_on: &str, summary: &str) -> Output {
    let mut text = clean::text(&glance.output);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    if text.trim().is_empty() {
        text = "[nothing new]\n".to_owned();
    }
    let (state, summary) = match &glance.ended {
        Some(exit) => {
            let ending = report::ending(exit, 0);
            (format!("it has ended: {ending}"), format!("ended: {ending}"))
        }
        None => (goes_on.to_owned(), summary.to_owned()),
    };
    text.push_str(&format!("[{state}]"));
    if let (Some(saved), true) = (&glance.saved, glance.ended.is_some()) {
        text.push_str(&format!("\n[all of its output is in {saved}]"));
    }
    Output::text(text).summary(summary)
}

#[cfg(test)]
mod tests {
    use openkoi_sdk::process::Exit;

    use super::*;

    fn glance(output: &str, code: Option<i32>) -> Glance {
        let ended = code.map(|code| Exit {
            code: Some(code),
            signal: None,
            timed_out: false,
            duration_ms: 1234,
            receipt: "r1".to_owned(),
            saved: None,
            omitted: 0,
        });
        Glance { output: output.into(), omitted: 0, saved: Some("/out".to_owned()), ended }
    }

    #[test]
    fn what_goes_on_says_so_and_what_ended_says_how_and_where_all_of_it_is() {
        assert_eq!(told(&glance("a\x1b[1mb", None), "it goes on", "").text, "ab\n[it goes on]");
        assert_eq!(told(&glance("", None), "it goes on", "").text, "[nothing new]\n[it goes on]");
        assert_eq!(
            told(&glance("bye\n", Some(3)), "it goes on", "").text,
            "bye\n[it has ended: exit code 3 after 1.2 s]\n[all of its output is in /out]"
        );
    }
}
