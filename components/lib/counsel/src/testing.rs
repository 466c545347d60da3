//! A motion for the tests of the agencies.

use openkoi_sdk::agency::{Budget, Forecast, Ground, Motion, Step};

/// Returns the motion of a task with these steps. Nothing is known besides.
#[must_use]
pub fn motion(text: &str, steps: &[&str]) -> Motion {
    let numbered = steps.iter().enumerate();
    let step = |(index, text): (usize, &&str)| Step {
        id: format!("s{}", index + 1),
        text: (*text).to_owned(),
    };
    Motion {
        task: "t".to_owned(),
        text: text.to_owned(),
        kind: "code".to_owned(),
        plan: numbered.map(step).collect(),
        criteria: Vec::new(),
        powers: Vec::new(),
        forecast: Forecast {
            samples: 0,
            ground: Ground::None,
            tasks: Vec::new(),
            tokens: None,
            cost_micros: None,
            duration_ms: None,
            iterations: None,
            accepted: None,
        },
        budget: Budget { tokens: None, cost_micros: 5_000_000, duration_ms: None },
        directive: String::new(),
        learnings: Vec::new(),
        observations: Vec::new(),
        attended: false,
        continues: false,
    }
}
