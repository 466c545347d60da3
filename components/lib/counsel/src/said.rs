//! What an agency says without a model.

use openkoi_sdk::agency::{Assessment, Caveat, Motion, Verdict};

/// Returns a verdict with its reason.
#[must_use]
pub fn said(motion: &Motion, verdict: Verdict, confidence: f64, reason: &str) -> Assessment {
    Assessment {
        verdict,
        confidence,
        success: success(motion),
        reason: reason.to_owned(),
        caveats: Vec::new(),
        question: None,
        alternative: None,
    }
}

/// Returns a yes with its reason.
#[must_use]
pub fn approve(motion: &Motion, confidence: f64, reason: &str) -> Assessment {
    said(motion, Verdict::Approve, confidence, reason)
}

/// Returns an assessment with these caveats.
#[must_use]
pub fn with_caveats(assessment: Assessment, caveats: Vec<Caveat>) -> Assessment {
    Assessment { caveats, ..assessment }
}

/// Returns how likely earlier tasks let a success expect.
#[must_use]
pub fn success(motion: &Motion) -> f64 {
    motion.forecast.accepted.map_or(0.7, |span| span.mid)
}
