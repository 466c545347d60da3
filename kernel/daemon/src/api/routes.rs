//! The table of all routes.

use axum::http::{Method, StatusCode};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use super::{
    approvals,
    bodies::Wanted,
    events, knowledge, overview,
    route::{Answering, Call, Route},
    schedules, sessions,
    shared::Api,
    tasks, types, webhooks,
};
use std::sync::Arc;

type Answer = fn(Arc<Api>, Call) -> Answering;

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn get<T: JsonSchema>(
    path: &'static str,
    name: &'static str,
    summary: &'static str,
    answer: Answer,
) -> Route {
    Route {
        method: Method::GET,
        path,
        name,
        summary,
        query: None,
        body: None,
        status: StatusCode::OK,
        gives: vec![("application/json", schema::<T>)],
        problems: &[],
        is_keyed: false,
        is_awaited: false,
        is_apart: false,
        is_open: false,
        answer,
    }
}

fn post<B: JsonSchema, T: JsonSchema>(
    path: &'static str,
    name: &'static str,
    summary: &'static str,
    answer: Answer,
) -> Route {
    let route = get::<T>(path, name, summary, answer);
    Route { method: Method::POST, body: Some(Wanted::new(schema::<B>)), ..route }
}

fn delete<T: JsonSchema>(
    path: &'static str,
    name: &'static str,
    summary: &'static str,
    answer: Answer,
) -> Route {
    Route { method: Method::DELETE, ..get::<T>(path, name, summary, answer) }
}

impl Route {
    fn asked<Q: JsonSchema>(self) -> Self {
        Self { query: Some(schema::<Q>), ..self }
    }

    fn gives_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    fn problems(self, problems: &'static [u16]) -> Self {
        Self { problems, ..self }
    }

    fn keyed(self) -> Self {
        Self { is_keyed: true, ..self }
    }

    fn awaited(self) -> Self {
        Self { is_awaited: true, ..self }
    }

    fn apart(self) -> Self {
        Self { is_apart: true, ..self }
    }

    fn open(self) -> Self {
        Self { is_open: true, ..self }
    }

    fn or_events(mut self) -> Self {
        self.gives.push(("text/event-stream", schema::<types::StreamEvent>));
        self
    }
}

/// Returns all routes.
pub(crate) fn all() -> Vec<Route> {
    use types::*;
    let mut all = vec![
        get::<Health>("/api/v1/health", "health", "Say that the daemon answers", overview::health)
            .open(),
        get::<Status>("/api/v1/status", "status", "Show how the daemon stands", overview::status),
        get::<Cost>("/api/v1/cost", "cost", "Show what the last 24 hours cost", overview::cost),
        Route {
            gives: vec![("text/event-stream", schema::<StreamEvent>)],
            ..get::<StreamEvent>(
                "/api/v1/changes",
                "followChanges",
                "Say whenever something has changed in the home",
                events::changes,
            )
            .asked::<ChangesAsked>()
        },
        get::<Value>(
            "/api/v1/openapi.json",
            "description",
            "Show this description",
            overview::description,
        )
        .open(),
        post::<Login, LoggedIn>(
            "/api/v1/login",
            "login",
            "Exchange the code of a link for a token",
            overview::login,
        )
        .problems(&[403])
        .open(),
    ];
    all.extend(of_tasks());
    all.extend(of_people());
    all.extend(of_schedules());
    all.extend(of_webhooks());
    all.extend(of_knowledge());
    all
}

fn of_tasks() -> Vec<Route> {
    use types::*;
    vec![
        post::<NewTask, Submitted>("/api/v1/tasks", "submitTask", "Submit a task", tasks::submit)
            .gives_status(StatusCode::CREATED)
            .problems(&[404, 409, 422])
            .keyed()
            .awaited(),
        get::<Tasks>("/api/v1/tasks", "listTasks", "List tasks, newest first", tasks::list)
            .asked::<TaskList>()
            .problems(&[404, 409]),
        get::<Task>("/api/v1/tasks/{id}", "showTask", "Show a task", tasks::show)
            .problems(&[404, 409]),
        post::<Nothing, Done>(
            "/api/v1/tasks/{id}/cancel",
            "cancelTask",
            "End a task; its work so far stays",
            tasks::cancel,
        )
        .problems(&[404, 409]),
        post::<Resume, Done>(
            "/api/v1/tasks/{id}/resume",
            "resumeTask",
            "Go on with a task that stopped before its end",
            tasks::resume,
        )
        .gives_status(StatusCode::ACCEPTED)
        .problems(&[404, 409, 422]),
        get::<Events>(
            "/api/v1/tasks/{id}/events",
            "listEvents",
            "Show the events of a task, or follow them",
            events::list,
        )
        .asked::<EventList>()
        .problems(&[404, 409])
        .or_events(),
        get::<Output>(
            "/api/v1/tasks/{id}/output",
            "showOutput",
            "Show what a task answered",
            tasks::output,
        )
        .problems(&[404, 409]),
        get::<Diff>("/api/v1/tasks/{id}/diff", "showDiff", "Show what a task changed", tasks::diff)
            .apart()
            .problems(&[404, 409]),
        get::<Undone>(
            "/api/v1/tasks/{id}/undo",
            "previewUndo",
            "Show what an undo would do",
            tasks::preview,
        )
        .apart()
        .asked::<Undo>()
        .problems(&[404, 409]),
        post::<Undo, Undone>(
            "/api/v1/tasks/{id}/undo",
            "undoTask",
            "Take back what a task changed",
            tasks::undo,
        )
        .apart()
        .problems(&[404, 409]),
    ]
}

fn of_people() -> Vec<Route> {
    use types::*;
    vec![
        get::<Approvals>(
            "/api/v1/approvals",
            "listApprovals",
            "List the questions that wait for a person",
            approvals::list,
        ),
        get::<Approval>(
            "/api/v1/approvals/{id}",
            "showApproval",
            "Show a question",
            approvals::show,
        )
        .problems(&[404, 409]),
        post::<GivenAnswer, Approval>(
            "/api/v1/approvals/{id}",
            "answerApproval",
            "Answer a question",
            approvals::answer,
        )
        .problems(&[404, 409]),
        get::<Sessions>("/api/v1/sessions", "listSessions", "List sessions", sessions::list)
            .asked::<Page>(),
        post::<NewSession, Session>(
            "/api/v1/sessions",
            "beginSession",
            "Begin a conversation",
            sessions::begin,
        )
        .gives_status(StatusCode::CREATED)
        .problems(&[404]),
        get::<Session>("/api/v1/sessions/{id}", "showSession", "Show a session", sessions::show)
            .problems(&[404, 409]),
        get::<Turns>(
            "/api/v1/sessions/{id}/turns",
            "listTurns",
            "Show what was said in a session",
            sessions::turns,
        )
        .problems(&[404, 409]),
        post::<NewTurn, Submitted>(
            "/api/v1/sessions/{id}/turns",
            "sayTurn",
            "Say something in a session",
            sessions::say,
        )
        .gives_status(StatusCode::CREATED)
        .problems(&[404, 409, 422])
        .keyed()
        .awaited(),
    ]
}

fn of_schedules() -> Vec<Route> {
    use types::*;
    vec![
        get::<Schedules>(
            "/api/v1/schedules",
            "listSchedules",
            "List what begins by itself",
            schedules::list,
        ),
        post::<NewSchedule, Schedule>(
            "/api/v1/schedules",
            "addSchedule",
            "Let a task begin again and again, at times or when files change",
            schedules::add,
        )
        .gives_status(StatusCode::CREATED)
        .problems(&[404, 422]),
        get::<Schedule>(
            "/api/v1/schedules/{id}",
            "showSchedule",
            "Show a schedule",
            schedules::show,
        )
        .problems(&[404, 409]),
        delete::<Schedule>(
            "/api/v1/schedules/{id}",
            "removeSchedule",
            "Remove a schedule; its tasks stay",
            schedules::remove,
        )
        .problems(&[404, 409]),
        post::<Nothing, Schedule>(
            "/api/v1/schedules/{id}/pause",
            "pauseSchedule",
            "Let a schedule begin nothing until it is resumed",
            schedules::pause,
        )
        .problems(&[404, 409]),
        post::<Nothing, Schedule>(
            "/api/v1/schedules/{id}/resume",
            "resumeSchedule",
            "Let a schedule go on; what was due in between is not made up for",
            schedules::resume,
        )
        .problems(&[404, 409]),
        post::<Nothing, Begun>(
            "/api/v1/schedules/{id}/run",
            "runSchedule",
            "Begin the task of a schedule now",
            schedules::run_now,
        )
        .gives_status(StatusCode::CREATED)
        .problems(&[404, 409, 422]),
    ]
}

fn of_webhooks() -> Vec<Route> {
    use types::*;
    vec![
        get::<Webhooks>(
            "/api/v1/webhooks",
            "listWebhooks",
            "List who is told of events, and how it goes with each",
            webhooks::list,
        ),
        get::<Deliveries>(
            "/api/v1/webhooks/deliveries",
            "listDeliveries",
            "List what was told, newest first, and what became of it",
            webhooks::deliveries,
        )
        .asked::<DeliveryList>()
        .apart()
        .problems(&[404, 409]),
        get::<Delivery>(
            "/api/v1/webhooks/deliveries/{id}",
            "showDelivery",
            "Show a delivery",
            webhooks::delivery,
        )
        .apart()
        .problems(&[404, 409]),
        post::<Nothing, Delivery>(
            "/api/v1/webhooks/deliveries/{id}/retry",
            "retryDelivery",
            "Let something be told again that was given up",
            webhooks::retry,
        )
        .apart()
        .problems(&[404, 409]),
    ]
}

fn of_knowledge() -> Vec<Route> {
    use types::*;
    vec![
        get::<Models>(
            "/api/v1/models",
            "listModels",
            "List the models of the connected providers",
            knowledge::models,
        )
        .apart(),
        get::<Learnings>(
            "/api/v1/learnings",
            "listLearnings",
            "List what is remembered",
            knowledge::learnings,
        )
        .asked::<LearningList>(),
        get::<ViewList>("/api/v1/views", "listViews", "List the reports", knowledge::views).apart(),
        get::<Value>(
            "/api/v1/views/{view}/{report}",
            "showView",
            "Show a report as a tree of blocks",
            knowledge::view,
        )
        .asked::<ViewQuery>()
        .problems(&[404, 422]),
        get::<Settings>(
            "/api/v1/settings",
            "listSettings",
            "List the settings of the daemon, with their origins",
            knowledge::settings,
        ),
    ]
}
