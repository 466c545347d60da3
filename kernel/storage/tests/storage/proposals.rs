//! What learners propose: renewed while it is open, and back after a decision with new evidence alone.

use openkoi_core::{learning::Proposal, port::Vectors};
use openkoi_storage::{
    StorageError,
    proposals::{CAP, KeptProposal, ProposalState},
};

use crate::support::Home;

fn proposal(id: &str, name: &str, tasks: &[&str]) -> KeptProposal {
    KeptProposal {
        id: id.to_owned(),
        learner: "patterns".to_owned(),
        workspace: "/work".to_owned(),
        proposal: Proposal::Skill {
            name: name.to_owned(),
            description: format!("How {name} is done"),
            text: format!("# {name}\n"),
            categories: vec![name.to_owned()],
            tasks: tasks.iter().map(|task| (*task).to_owned()).collect(),
            confidence: 0.75,
        },
        state: ProposalState::Open,
        proposed_ms: 7,
        decided_ms: None,
    }
}

fn decided(one: &KeptProposal, state: ProposalState) -> KeptProposal {
    KeptProposal { state, decided_ms: Some(9), ..one.clone() }
}

#[test]
fn an_open_proposal_is_renewed_and_a_decided_one_comes_back_with_new_evidence_alone() {
    let home = Home::new();
    let storage = home.open();
    let first = proposal("01kaaaaaaa000001", "notes", &["1", "2", "3"]);
    assert!(storage.keep_proposal(&first).unwrap());
    assert!(!storage.keep_proposal(&proposal("01kaaaaaaa000002", "notes", &["3", "4"])).unwrap());

    let open = storage.proposals(false).unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(
        (open[0].id.as_str(), open[0].proposal.tasks()),
        (first.id.as_str(), &["3", "4", "1", "2"].map(str::to_owned)[..])
    );
    assert_eq!(storage.find_proposal("01kaaaaaaa0").unwrap(), open[0]);
    assert!(matches!(storage.find_proposal("zz"), Err(StorageError::NoSuch { .. })));

    storage.decide_proposal(&decided(&open[0], ProposalState::Rejected)).unwrap();
    assert_eq!(storage.proposals(false).unwrap(), []);
    assert!(
        !storage.keep_proposal(&proposal("01kaaaaaaa000003", "memo", &["4", "5", "6"])).unwrap()
    );
    assert!(
        storage
            .keep_proposal(&proposal("01kaaaaaaa000004", "memo", &["4", "5", "6", "7"]))
            .unwrap()
    );
    assert_eq!(storage.proposals(true).unwrap().len(), 2);
}

#[test]
fn a_better_way_to_do_what_was_accepted_has_its_name() {
    let home = Home::new();
    let storage = home.open();
    let first = proposal("01kaaaaaaa000001", "notes", &["1", "2", "3"]);
    storage.keep_proposal(&first).unwrap();
    storage.decide_proposal(&decided(&first, ProposalState::Accepted)).unwrap();

    let better = proposal("01kaaaaaaa000002", "other-words", &["1", "4", "5", "6"]);
    assert!(storage.keep_proposal(&better).unwrap());

    assert_eq!(storage.proposals(false).unwrap()[0].proposal.title(), "notes");
}

#[test]
fn proposals_and_vectors_do_not_grow_without_bound() {
    let home = Home::new();
    let storage = home.open();
    for number in 0..CAP + 20 {
        let (id, name) = (format!("01kaaaaaaa{number:06}"), format!("skill-{number}"));
        let one = proposal(&id, &name, &[&name]);
        storage.keep_proposal(&one).unwrap();
        storage.decide_proposal(&decided(&one, ProposalState::Rejected)).unwrap();
    }
    assert!(storage.proposals(true).unwrap().len() <= CAP as usize + 1);

    let made =
        |model: &str, vector: Vec<f32>| Vectors { model: model.to_owned(), vectors: vec![vector] };
    for _ in 0..3 {
        storage.keep_skill_vectors(&["a".to_owned()], &made("m@1", vec![0.0, 2.0])).unwrap();
    }
    let near = storage.skill_nearness(&made("m@1", vec![0.0, 1.0])).unwrap();
    assert_eq!(near.into_iter().collect::<Vec<_>>(), [("a".to_owned(), 1.0)]);
    assert!(storage.skill_nearness(&made("m@2", vec![0.0, 1.0])).unwrap().is_empty());
    // One of another length says nothing.
    assert!(storage.skill_nearness(&made("m@1", vec![1.0])).unwrap().is_empty());
}
