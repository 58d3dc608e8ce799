use serde_json::{Value, json};

use crate::line::{HOLD, Line, MACHINE, SILENT};

#[test]
fn machine_is_told_with_the_request_for_the_document_that_waits_for_it() {
    for (to, machine, after) in [(MACHINE, "true", 5.0), (SILENT, "false", 3.5)] {
        let mut line = Line::new();
        line.document("/answer", HOLD);
        line.dial(to, &json!({ "machine_detection": "true" }));
        line.run(after);
        assert!(line.hooks_to("/answer").is_empty(), "{to}");
        line.run(0.5);
        assert_eq!(line.hook_to("/answer").param("Machine"), machine);
    }
    let mut line = Line::new();
    line.document("/answer", HOLD);
    line.dial(MACHINE, &Value::Null);
    line.run(5.0);
    assert!(!line.hook_to("/answer").params.contains_key("Machine"), "nobody asked");
}

#[test]
fn machine_is_hung_up_before_it_is_asked_anything() {
    let mut line = Line::new();
    line.dial(MACHINE, &json!({ "machine_detection": "hangup" }));
    line.run(10.0);
    assert!(line.hooks_to("/answer").is_empty());
    assert_eq!(line.ending(), ("completed".to_owned(), 9100, "Plivo".to_owned()));
    let hangup = line.hook_to("/hangup");
    assert_eq!(
        (hangup.param("HangupCauseName"), hangup.param("Machine")),
        ("Machine Detected", "true")
    );
}

#[test]
fn detection_beside_the_call_lets_the_document_begin() {
    for (mode, if_machine, lives) in [("true", "continue", true), ("hangup", "hangup", false)] {
        let mut line = Line::new();
        line.document("/answer", HOLD);
        let extra = json!({
            "machine_detection": mode, "machine_detection_url": "http://app.test/machine",
            "machine_detection_time": 2000,
        });
        let call = line.dial(MACHINE, &extra).call;
        line.run(2.5);
        assert_eq!(line.hooks_to("/answer").len(), 1);
        assert!(line.hooks_to("/machine").is_empty());
        line.run(3.0);
        let machine = line.hook_to("/machine");
        assert_eq!(machine.param("Event"), "MachineDetection");
        assert_eq!((machine.param("Machine"), machine.param("IfMachine")), ("true", if_machine));
        assert_eq!(machine.param("CallStatus"), "in-progress");
        assert_eq!(line.live(&call).is_some(), lives);
    }
}
