//! The report of `dart test` and `flutter test`: one JSON object a line.

use std::collections::BTreeMap;

use openkoi_sdk::evaluator::Outcome;
use openkoi_sdk::serde_json::{self, Value};

use super::case::{Case, Report};

/// Reads the events; nothing if the last of them is missing.
pub(crate) fn read(json: &str) -> Option<Report> {
    let events: Vec<Value> =
        json.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    if !events.iter().any(|event| event["type"] == "done") {
        return None;
    }
    let mut names: BTreeMap<u64, &str> = BTreeMap::new();
    let mut cases = Vec::new();
    for event in &events {
        if event["type"] == "testStart" {
            let test = &event["test"];
            names.insert(test["id"].as_u64()?, test["name"].as_str()?);
        } else if event["type"] == "testDone" && event["hidden"] != true {
            cases.push(Case::new(*names.get(&event["testID"].as_u64()?)?, outcome(event)));
        }
    }
    Some(Report::counted(cases))
}

fn outcome(done: &Value) -> Outcome {
    if done["skipped"] == true {
        Outcome::Skipped
    } else if done["result"] == "success" {
        Outcome::Passed
    } else {
        Outcome::Failed
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use super::*;

    #[test]
    fn events_are_read() {
        let json = r#"{"protocolVersion":"0.1.1","type":"start","time":0}
{"test":{"id":1,"name":"loading test/calc_test.dart","suiteID":0},"type":"testStart","time":1}
{"testID":1,"result":"success","skipped":false,"hidden":true,"type":"testDone","time":900}
{"test":{"id":3,"name":"calc adds","suiteID":0},"type":"testStart","time":901}
{"testID":3,"result":"success","skipped":false,"hidden":false,"type":"testDone","time":950}
{"test":{"id":4,"name":"calc divides","suiteID":0},"type":"testStart","time":951}
{"testID":4,"error":"Expected: <2>","isFailure":true,"type":"error","time":960}
{"testID":4,"result":"failure","skipped":false,"hidden":false,"type":"testDone","time":961}
{"test":{"id":5,"name":"calc waits","suiteID":0},"type":"testStart","time":962}
{"testID":5,"result":"success","skipped":true,"hidden":false,"type":"testDone","time":963}
"#;
        let done = "{\"success\":false,\"type\":\"done\",\"time\":970}\n";

        assert_eq!(
            lines(&read(&format!("{json}{done}")).unwrap()),
            ["Passed calc adds", "Failed calc divides", "Skipped calc waits", "Some(2) []"]
        );
        assert_eq!(read(json), None);
    }
}
