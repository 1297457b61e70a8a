use serde_json::{Value, json};
use strongroom_core::access::{Explanation, IdentitySource, PolicyTarget};
use strongroom_core::{Caller, ProjectId, Roles, UserId};
use strongroom_runtime::Settings;

use super::filter::{Ending, each};
use super::{CommandResult, Ended, row};
use crate::commands::policy::{policy, step_rows, step_values, with_target};
use crate::flags::{Filter, Output};
use crate::print;

/// `why-denied`: who was refused or failed in that request, by which rule, and what would have it allowed.
pub(crate) fn run(settings: &Settings, request: &str, output: Output) -> CommandResult {
    let asked = Filter { request: Some(request.to_owned()), ..Filter::default() };
    let mut endings = Vec::new();
    each(settings, &asked, |ending| endings.push(ending))?;
    if endings.is_empty() {
        return Err(
            format!("the journal has no record of the request {request}; was it another server's?").into()
        );
    }
    let (mut rows, mut values) = (Vec::new(), Vec::new());
    for ending in &endings {
        let advice = Advice::on(settings, ending)?;
        rows.extend(described(ending));
        rows.extend(advice.rows());
        values.push(json!({
            "record": ending.0,
            "advice": advice.text,
            "steps": advice.told.as_ref().map(step_values),
            "would_allow": advice.ways,
        }));
    }
    print::result(output, &json!({"request": request, "records": values}), &rows)?;
    Ok(Ended::Well)
}

fn described(ending: &Ending) -> Vec<Vec<String>> {
    let [user, project, address] = ending.caller();
    let roles = roles(ending).join(", ");
    [
        ("time", ending.text(&["at"])),
        ("user", user),
        ("project", project),
        ("roles", &roles),
        ("address", address),
        ("identified by", ending.text(&["caller", "source"])),
        ("action", ending.text(&["action"])),
        ("target", ending.text(&["target"])),
        ("outcome", ending.text(&["outcome"])),
        ("reason", ending.text(&["reason", "code"])),
        ("rule", ending.text(&["reason", "rule"])),
    ]
    .into_iter()
    .filter(|(_, text)| !text.is_empty())
    .map(|(name, text)| row([name, text]))
    .collect()
}

/// What an operator may make of a record.
struct Advice {
    text: String,
    told: Option<Explanation>,
    ways: Vec<Vec<String>>,
}

impl Advice {
    fn on(settings: &Settings, ending: &Ending) -> Result<Self, Box<dyn std::error::Error>> {
        let rule = ending.text(&["reason", "rule"]);
        if rule.is_empty() {
            return Ok(Self { text: without_rule(ending), told: None, ways: Vec::new() });
        }
        let policy = policy(settings)?;
        let caller = caller(ending)?;
        let ask = |target: &PolicyTarget<'_>| {
            (policy.explain(rule, &caller, target), policy.ways(rule, &caller, target))
        };
        let name = ending.text(&["target"]);
        let known = ["secret/", "container/", "order/"].iter().any(|kind| name.starts_with(kind));
        let (text, (told, ways)) = match with_target(settings, known.then_some(name), &caller, ask) {
            Ok(asked) => ("by the rules and the target as they are now".to_owned(), asked),
            Err(error) => (format!("by the rules as they are now, and without the target: {error}"), {
                ask(&PolicyTarget::none())
            }),
        };
        let text = match &told {
            None => format!("there is no rule '{rule}' any more"),
            Some(told) if told.allowed => format!("allowed now, {text}"),
            Some(_) => text,
        };
        Ok(Self { text, told, ways })
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let mut rows = vec![row(["told", &self.text])];
        rows.extend(self.told.iter().flat_map(step_rows));
        let ways = self.ways.iter().filter(|way| !way.is_empty());
        rows.extend(ways.map(|way| row(["would allow", &way.join(" and ")])));
        rows
    }
}

fn without_rule(ending: &Ending) -> String {
    let property = ending.text(&["reason", "property"]);
    match ending.text(&["reason", "code"]) {
        "" => "nothing was refused".to_owned(),
        "unauthenticated" => {
            "no identity source let the caller in: the token or certificate is missing, has ended, or is not \
             one of identity.sources"
                .to_owned()
        }
        "not-found" => "there was no such thing, or it had expired; no rule was asked".to_owned(),
        "invalid" => format!("the request's field {property:?} broke a rule of its form"),
        "quota" => "the project has as many as its quota allows; no rule refused".to_owned(),
        code => format!("it ended by {code}; no access rule refused"),
    }
}

/// The caller as it is on record. Rules do not ask which source identified it.
fn caller(ending: &Ending) -> Result<Caller, Box<dyn std::error::Error>> {
    let given = |name: &str| Some(ending.text(&["caller", name]).to_owned()).filter(|text| !text.is_empty());
    Ok(Caller {
        user: given("user").map(UserId::new).transpose()?,
        project: given("project").map(ProjectId::new).transpose()?,
        roles: Roles::new(roles(ending)),
        source: IdentitySource::Anonymous,
    })
}

fn roles(ending: &Ending) -> Vec<&str> {
    let listed = ending.0.get("caller").and_then(|caller| caller.get("roles")).and_then(Value::as_array);
    listed.into_iter().flatten().filter_map(Value::as_str).collect()
}
