use openkoi_core::message::{Message, ReasoningEffort};

use super::*;
use crate::{flags::ChatFlags, testing::World};

/// A conversation with a scripted model, in a world of its own.
fn talk(act: impl AsyncFnOnce(&mut Chat<'_>, &mut Settings, &Interrupts)) -> World {
    let world = World::new();
    world.keep("config.toml", "sandbox.mode = \"off\"\nmodel = \"scripted/demo\"\n");
    let context = world.context();
    let request = ChatRequest::of(&ChatFlags::default(), &context).unwrap();
    let mut settings = request.settings.clone();
    let runtime = Arc::new(TaskRuntime::new(&context.app, &settings, &request.workspace).unwrap());
    let joined = join(&context, &request.session, SessionKind::Chat, &request.workspace).unwrap();
    let (context, request) = (&context, &request);
    let (shared, keys, last) = (Vec::new(), None, Exit::Accepted);
    let limits = request.limits.clone();
    let (later, draft) = (Arc::default(), None);
    let mut chat =
        Chat { context, request, runtime, joined, shared, keys, limits, later, draft, last };
    thread::block(async {
        act(&mut chat, &mut settings, &Interrupts::deaf()).await;
        Ok::<(), CommandError>(())
    })
    .unwrap();
    world
}

fn status(chat: &Chat<'_>, session: &SessionId) -> SessionStatus {
    chat.runtime.storage().session(session).unwrap().unwrap().status
}

#[test]
fn a_conversation_ends_with_exit_and_goes_on_after_anything_else() {
    talk(async |chat, settings, interrupts| {
        for text in [
            "/help",
            "/status",
            "/nonsense",
            "/undo",
            "/undo all",
            "/model zebra/nowhere",
            "/diff",
            "/cost",
            "/skills",
            "/tools",
            "/copy",
            "/resume nowhere",
            "/effort huge",
            "/rewind",
            "/rewind x",
            "!ls",
            "@../../outside",
        ] {
            let flow = chat.take(text, settings, interrupts).await.unwrap();
            assert_eq!(flow, Flow::GoOn, "{text}");
        }
        for text in ["/exit", "/quit"] {
            assert_eq!(chat.take(text, settings, interrupts).await.unwrap(), Flow::End, "{text}");
        }
        assert_eq!(chat.last, Exit::Accepted);
    });
}

#[test]
fn a_new_session_ends_the_one_before_and_forgets_what_was_said() {
    talk(async |chat, settings, interrupts| {
        let before = chat.session().clone();
        chat.joined.history.push(Message::user("before"));

        chat.take("/new", settings, interrupts).await.unwrap();

        assert_ne!(chat.session(), &before);
        assert_eq!(chat.joined.history, []);
        assert_eq!(status(chat, &before), SessionStatus::Ended);
        assert_eq!(status(chat, chat.session()), SessionStatus::Active);
    });
}

#[test]
fn another_model_holds_for_the_rest_of_the_conversation() {
    talk(async |chat, settings, interrupts| {
        let before = settings.model.clone();

        chat.take("/model scripted/file", settings, interrupts).await.unwrap();

        assert_ne!(settings.model, before);
        assert!(format!("{:?}", settings.model).contains("scripted/file"), "{:?}", settings.model);
    });
}

#[test]
fn a_model_that_is_not_there_changes_nothing() {
    talk(async |chat, settings, interrupts| {
        let before = settings.model.clone();

        chat.take("/model zebra/nowhere", settings, interrupts).await.unwrap();

        assert_eq!(settings.model, before);
    });
}

#[test]
fn the_end_of_a_conversation_ends_its_session() {
    talk(async |chat, _, _| {
        chat.end().unwrap();

        assert_eq!(status(chat, chat.session()), SessionStatus::Ended);
    });
}

#[test]
fn what_a_command_of_the_person_said_goes_with_the_next_message() {
    talk(async |chat, settings, interrupts| {
        chat.take("!echo from the pond", settings, interrupts).await.unwrap();
        assert_eq!(chat.shared.len(), 1);

        chat.take("what does it say?", settings, interrupts).await.unwrap();

        assert!(chat.shared.is_empty());
        let said = chat.runtime.storage().conversation(chat.session(), None).unwrap();
        let asked = shown::text_of(&said[0]);
        assert!(asked.starts_with("what does it say?\n\nI ran `echo"), "{asked}");
        assert!(asked.contains("from the pond\n```"), "{asked}");
    });
}

#[test]
fn effort_and_model_hold_side_by_side_for_the_rest_of_the_conversation() {
    talk(async |chat, settings, interrupts| {
        for text in ["/effort high", "/model scripted/file", "/effort", "/effort huge"] {
            chat.take(text, settings, interrupts).await.unwrap();
        }

        assert_eq!(settings.efforts.get("executor"), Some(&ReasoningEffort::High));
        assert_eq!(settings.model.as_deref(), Some("scripted/file"));
    });
}
