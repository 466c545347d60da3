//! What was learnt, as surfaces show it.

/// What was learnt.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Learned {
    /// What is new in memory.
    pub new: Vec<NewLearning>,
    /// The ids of what was known and is confirmed.
    pub confirmed: Vec<String>,
    /// The number of proposals that wait for a person.
    pub proposals: usize,
}

/// Something new in memory.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct NewLearning {
    /// Its id.
    pub id: String,
    /// The sentence.
    pub text: String,
    /// True if the user said it.
    pub said: bool,
}

impl Learned {
    /// Adds what was learnt besides.
    pub fn extend(&mut self, other: Self) {
        self.new.extend(other.new);
        self.confirmed.extend(other.confirmed);
        self.proposals += other.proposals;
    }
}
