//! `openkoi think`: has a chamber look at a plan before anything is done.

use openkoi_app::request::Think;

use crate::{
    commands::run,
    context::Context,
    error::CommandError,
    exit::Exit,
    flags::{RunFormat, ThinkFlags},
    request::LineRequest,
};

/// Deliberates about a task, and runs it if the chamber lets it pass.
///
/// # Errors
///
/// When it cannot be begun, or stopped before its end.
pub fn run(flags: ThinkFlags, context: &Context) -> Result<Exit, CommandError> {
    let ThinkFlags { mut task, simulate, overrule, json } = flags;
    if task.words.is_empty() {
        let error = CommandError::usage("there is nothing to think about");
        return Err(error.hint("openkoi think \"TASK\"").hint("openkoi think - < FILE"));
    }
    if json && task.show.output_format == RunFormat::Text {
        task.show.output_format = RunFormat::Json;
    }
    task.settle_resume();
    match LineRequest::of(task, context)? {
        LineRequest::Task(mut request) => {
            request.think = Some(Think { simulate, overruled: overrule });
            run::run(&request, context)
        }
        // Only a line without words is one.
        LineRequest::Chat(_) => Err(CommandError::usage("there is nothing to think about")),
    }
}
