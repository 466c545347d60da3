//! `!command` in a message: it runs in the sandbox, and the model reads its output with the next message.

use openkoi_app::{sandbox, settings::Settings};
use openkoi_core::port::Cancellation;

use crate::{
    context::Context, error::CommandError, exit::Exit, interrupt::Interrupts, output::sanitise,
};

/// The most bytes of each end of an output that the model reads.
const KEPT: usize = 8 * 1024;

/// Runs a command line and shows its output. Returns it as the model is to read it.
///
/// # Errors
///
/// When the line is empty, cannot be started, or was interrupted.
pub(super) async fn run(
    line: &str,
    context: &Context,
    settings: &Settings,
    interrupts: &Interrupts,
) -> Result<String, CommandError> {
    if line.is_empty() {
        return Err(CommandError::usage("`!` runs the command behind it, such as `!git status`"));
    }
    let (workspace, mut output) = (context.workspace()?, Vec::new());
    let show = |bytes: &[u8]| {
        output.extend_from_slice(bytes);
        // What cannot be shown is kept all the same.
        drop(context.printer.raw(sanitise(&String::from_utf8_lossy(bytes)).as_bytes()));
    };
    let stop = interrupts.cancelled();
    let ended = sandbox::run_line(&context.app, settings, &workspace, line, show, stop).await?;
    let Some(end) = ended else {
        interrupts.clear();
        return Err(CommandError::new(Exit::Interrupted, "the command was stopped"));
    };
    let code = end.code.map_or("ended by a signal".to_owned(), |code| format!("exit code {code}"));
    if end.code != Some(0) {
        context.printer.notice(&format!("({code})"));
    }
    Ok(told(line, &code, &String::from_utf8_lossy(&output)))
}

/// Returns a command and its output for the model.
fn told(line: &str, code: &str, output: &str) -> String {
    let fence = super::mention::fence_around(output);
    let output = ends(output.trim_end_matches('\n'));
    format!("I ran `{line}` ({code}):\n{fence}\n{output}\n{fence}")
}

/// Returns both ends of a long output.
fn ends(text: &str) -> String {
    if text.len() <= KEPT * 2 {
        return text.to_owned();
    }
    let (head, tail) = (text.floor_char_boundary(KEPT), text.ceil_char_boundary(text.len() - KEPT));
    let parts = (text.get(..head), text.get(tail..));
    let (Some(first), Some(last)) = parts else { return text.to_owned() };
    format!("{first}\n[{} bytes left out]\n{last}", tail - head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    async fn ran(line: &str) -> Result<String, CommandError> {
        let world = World::new();
        let context = world.context();
        let settings = context.settings().unwrap();
        run(line, &context, &settings, &Interrupts::deaf()).await
    }

    #[tokio::test]
    async fn a_command_runs_in_the_workspace_and_its_output_is_for_the_model() {
        let told = ran("echo one; echo two >&2; exit 3").await.unwrap();

        let streams = ["one\ntwo", "two\none"].map(|output| {
            format!("I ran `echo one; echo two >&2; exit 3` (exit code 3):\n```\n{output}\n```")
        });
        assert!(streams.contains(&told), "{told}");
        assert!(ran("pwd").await.unwrap().contains("/work\n"));
    }

    #[tokio::test]
    async fn nothing_behind_the_mark_is_an_error() {
        assert_eq!(ran("").await.unwrap_err().kind, Exit::Usage);
    }

    #[tokio::test]
    async fn an_interrupt_stops_the_command_and_the_conversation_goes_on() {
        let world = World::new();
        let context = world.context();
        let settings = context.settings().unwrap();
        let interrupts = Interrupts::deaf();
        interrupts.ask(crate::interrupt::Asked::Interrupt);

        let stopped = run("sleep 1000", &context, &settings, &interrupts).await.unwrap_err();

        assert_eq!(stopped.kind, Exit::Interrupted);
        assert_eq!(interrupts.asked(), crate::interrupt::Asked::No);
    }

    #[test]
    fn of_a_long_output_both_ends_are_told() {
        let long = format!("begin{}end", "é".repeat(20_000));

        let told = told("x", "exit code 0", &long);

        assert!(told.contains("\nbegin") && told.contains("end\n```") && told.len() < 17_000);
        assert!(told.contains("bytes left out"));
    }
}
