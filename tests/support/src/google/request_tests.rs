//! Each test breaks a good request in one way.

use serde_json::json;

use super::*;

const MODEL: &str = "gemini-4-hydrogen";

fn good() -> Value {
    json!({
        "systemInstruction": { "parts": [{ "text": "Be brief." }] },
        "contents": [
            { "role": "user", "parts": [{ "text": "List it." }] },
            { "role": "model", "parts": [
                { "text": "Hm.", "thought": true, "thoughtSignature": "c2ln" },
                { "text": "Well." },
                { "functionCall": { "id": "f1", "name": "ls", "args": {} }, "thoughtSignature": "c2ln" },
                { "functionCall": { "name": "ls" } },
                { "text": "", "thoughtSignature": "c2ln" },
            ] },
            { "role": "user", "parts": [
                { "functionResponse": { "id": "f1", "name": "ls", "response": { "output": "x" } } },
                { "functionResponse": { "name": "ls", "response": { "error": "y" } } },
            ] },
            { "role": "user", "parts": [{ "text": "And?" },
                { "inlineData": { "mimeType": "image/png", "data": "AQ==" } }] },
        ],
        "tools": [{ "functionDeclarations": [{
            "name": "ls",
            "description": "Lists.",
            "parametersJsonSchema": { "type": "object", "properties": {} },
        }] }],
        "toolConfig": { "functionCallingConfig": { "mode": "ANY", "allowedFunctionNames": ["ls"] } },
        "generationConfig": {
            "maxOutputTokens": 4000,
            "thinkingConfig": { "includeThoughts": true, "thinkingLevel": "low" },
        },
    })
}

/// Returns the faults of the good request after a change.
fn faults(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut body = good();
    change(&mut body);
    check(MODEL, &body)
}

fn parts(body: &mut Value, content: usize) -> &mut Vec<Value> {
    body["contents"][content]["parts"].as_array_mut().unwrap()
}

#[test]
fn a_good_request_has_no_fault() {
    assert_eq!(faults(|_| {}), Vec::<String>::new());
}

#[test]
fn fields_that_the_reference_does_not_have_are_faults() {
    assert_eq!(faults(|body| body["model"] = json!("x")), ["body: unknown field `model`"]);
    assert_eq!(
        faults(|body| body["contents"][0]["name"] = json!("me")),
        ["contents[0]: unknown field `name`"]
    );
    assert_eq!(
        faults(|body| body["generationConfig"]["max_tokens"] = json!(1)),
        ["generationConfig: unknown field `max_tokens`"]
    );
    assert_eq!(
        faults(|body| body["contents"][0]["parts"][0]["thought"] = json!(false)),
        ["contents[0].parts[0]: unknown field `thought`"]
    );
}

#[test]
fn there_are_two_roles_and_the_user_has_the_first_and_the_last_word() {
    let role = faults(|body| body["contents"][3]["role"] = json!("function"));
    assert_eq!(role[1], "contents[3]: Please use a valid role: user, model.");
    let first = faults(|body| drop(body["contents"].as_array_mut().unwrap().remove(0)));
    assert_eq!(first[0], "contents: the first content has to be the user's");
    let last = faults(|body| {
        let content = json!({ "role": "model", "parts": [{ "text": "It is" }] });
        body["contents"].as_array_mut().unwrap().push(content);
    });
    assert_eq!(last, ["contents: an answer that is begun is not supported"]);
}

#[test]
fn every_call_has_its_answer_at_once_and_no_answer_is_without_its_call() {
    let number = "contents[2]: Please ensure that the number of function response parts is equal to the number of \
                  function call parts of the function call turn.";
    assert_eq!(faults(|body| drop(parts(body, 2).pop())), [number]);
    let late = faults(|body| body["contents"].as_array_mut().unwrap().swap(2, 3));
    assert_eq!(late[0], number);
    assert!(late[1].ends_with("comes immediately after a function call turn."), "{late:?}");
    let end = faults(|body| body["contents"].as_array_mut().unwrap().truncate(2));
    assert_eq!(end[1], "contents: the last calls have no answers");
    let unknown = faults(|body| parts(body, 2)[0]["functionResponse"]["id"] = json!("f9"));
    assert_eq!(unknown, ["contents[2]: \"ls\" \"f9\" answers no call"]);
    let name = faults(|body| parts(body, 2)[1]["functionResponse"]["name"] = json!("cat"));
    assert_eq!(name, ["contents[2]: \"cat\" null answers no call"]);
    let order = faults(|body| parts(body, 2).swap(0, 1));
    assert_eq!(order, ["contents[2]: \"ls\" null answers no call"]);
    let mixed = faults(|body| parts(body, 2).push(json!({ "text": "x" })));
    assert_eq!(mixed, ["contents[2]: function responses and other parts in one content"]);
}

#[test]
fn a_part_is_one_thing_and_not_empty() {
    let empty = faults(|body| parts(body, 0)[0]["text"] = json!(""));
    assert_eq!(empty, ["contents[0].parts[0]: has to have text"]);
    let none = faults(|body| parts(body, 0).clear());
    assert_eq!(none, ["contents[0]: must include at least one parts field"]);
    let image = faults(|body| parts(body, 3)[1]["inlineData"]["mimeType"] = json!("image/gif"));
    assert!(image[0].starts_with("contents[3].parts[1].inlineData.mimeType"), "{image:?}");
    let arguments = faults(|body| parts(body, 1)[2]["functionCall"]["args"] = json!("{}"));
    assert_eq!(arguments, ["contents[1].parts[2].functionCall: `args` has to be an object"]);
}

#[test]
fn tools_have_valid_unique_names_and_schemas_of_known_keywords() {
    let function = |body: &mut Value, change: fn(&mut Value)| {
        change(&mut body["tools"][0]["functionDeclarations"][0]);
    };
    let twice = faults(|body| {
        let list = body["tools"][0]["functionDeclarations"].as_array_mut().unwrap();
        list.push(list[0].clone());
    });
    assert_eq!(
        twice,
        ["tools[0].functionDeclarations[1]: Duplicate function declaration found: ls"]
    );
    let keyword = faults(|body| {
        function(body, |function| {
            function["parametersJsonSchema"]["properties"]["a"] =
                json!({ "type": "string", "pattern": "x" });
        });
    });
    assert_eq!(
        keyword,
        [
            "tools[0].functionDeclarations[0].parametersJsonSchema.properties.a: Unknown name \"pattern\": Cannot find field."
        ]
    );
    let field = faults(|body| function(body, |function| function["parameters"] = json!({})));
    assert_eq!(field, ["tools[0].functionDeclarations[0]: unknown field `parameters`"]);
    let other = faults(|body| {
        body["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"] = json!(["rm"]);
    });
    assert_eq!(other, ["toolConfig.functionCallingConfig: \"rm\" is not declared"]);
    let mode = faults(|body| body["toolConfig"]["functionCallingConfig"]["mode"] = json!("NONE"));
    assert_eq!(
        mode,
        ["toolConfig.functionCallingConfig: allowed function names are for the mode ANY"]
    );
}

#[test]
fn each_generation_thinks_and_answers_by_a_schema_in_its_own_way() {
    let thinking = |model: &str, config: Value| {
        let mut body = good();
        body["generationConfig"]["thinkingConfig"] = config;
        check(model, &body)
    };
    let level = json!({ "thinkingLevel": "high" });
    let budget = json!({ "thinkingBudget": 2000 });

    assert_eq!(thinking(MODEL, level.clone()), Vec::<String>::new());
    assert_eq!(thinking("gemini-2.5-pro", budget.clone()), Vec::<String>::new());
    let place = "generationConfig.thinkingConfig";
    assert_eq!(
        thinking(MODEL, budget),
        [format!("{place}: Thinking budget is not supported for this model.")]
    );
    assert_eq!(
        thinking("gemini-2.5-pro", level),
        [format!("{place}: Thinking level is not supported for this model.")]
    );
    let mut body = good();
    body["generationConfig"] = json!({ "responseMimeType": "application/json",
        "responseJsonSchema": { "type": "object", "properties": {} } });
    assert_eq!(check(MODEL, &body), Vec::<String>::new());
    assert!(check("gemini-2.5-pro", &body)[0].contains("is unsupported"));
    body["generationConfig"]["responseMimeType"] = json!("text/plain");
    assert!(check(MODEL, &body)[0].contains("needs the mime type"));
}
