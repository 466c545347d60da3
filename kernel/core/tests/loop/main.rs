//! The loop's decisions, with a scripted world: script in, events out.

mod budget;
mod evidence;
mod gate;
mod journal;
mod phases;
mod script;
