//! The camera's own analysis of its picture: its rules, to be read and changed, and which events it offers.

use hausrecht_model::EventKind;

use super::{
    Camera, Profile,
    read::{flag_attribute, listed, text},
    services::Part,
};
use crate::{
    Error,
    soap::{Operation, ns},
    topics::kinds,
    xml::{Element, escape},
};

/// More topics than any camera offers.
const TOPICS_MAX: usize = 1024;

/// A rule: a line, a zone, a detector.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// What it is, without prefix: `LineDetector`, `CellMotionDetector`.
    pub kind: String,
    /// Its simple parameters, names and values.
    pub parameters: Vec<(String, String)>,
    /// The names of its parameters that are more than one value: lines, zones.
    pub shapes: Vec<String>,
}

/// A kind of rule that a camera can do.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct RuleKind {
    /// What it is, without prefix.
    pub kind: String,
    /// The names of its parameters.
    pub parameters: Vec<String>,
    /// The topics of its events, without prefixes.
    pub topics: Vec<String>,
    /// What those mean.
    pub means: Vec<EventKind>,
}

/// A topic that a camera may send.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct TopicOffered {
    /// The topic without prefixes.
    pub topic: String,
    /// Whether it has a state, which starts and ends.
    pub has_state: bool,
    /// The names that tell where.
    pub source: Vec<String>,
    /// The names that tell what.
    pub data: Vec<String>,
    /// What it can mean; empty for a topic that Hausrecht does not know.
    pub means: Vec<EventKind>,
}

impl Camera {
    /// Asks for the rules that are set up. GetRules.
    ///
    /// # Errors
    /// What the camera answers instead; [`Error::NotOffered`] without the analytics service, or if the profile shows
    /// no analytics.
    pub async fn rules(&self, profile: &Profile) -> Result<Vec<Rule>, Error> {
        let body = self.ask_analytics(profile, "GetRules").await?;
        let rules = listed(&body, &["Rule", "Rules"]).filter_map(|rule| {
            let parameters = rule.child("Parameters");
            let simple = parameters.into_iter().flat_map(|holder| holder.children("SimpleItem"));
            let shapes = parameters.into_iter().flat_map(|holder| holder.children("ElementItem"));
            let pair = |item: &Element| {
                Some((item.attribute("Name")?.to_owned(), item.attribute("Value")?.to_owned()))
            };
            Some(Rule {
                name: rule.attribute("Name")?.to_owned(),
                kind: local(rule.attribute("Type").unwrap_or_default()),
                parameters: simple.filter_map(pair).collect(),
                shapes: shapes.filter_map(|item| item.attribute("Name").map(str::to_owned)).collect(),
            })
        });
        Ok(rules.collect())
    }

    /// Asks for the kinds of rules that the camera can do. GetSupportedRules.
    ///
    /// # Errors
    /// As [`Camera::rules`].
    pub async fn rule_kinds(&self, profile: &Profile) -> Result<Vec<RuleKind>, Error> {
        let body = self.ask_analytics(profile, "GetSupportedRules").await?;
        let holder = body.child("SupportedRules").unwrap_or(&body);
        let all = listed(holder, &["RuleDescription"]).filter_map(|rule| {
            let parameters = rule.child("Parameters").into_iter().flat_map(|holder| &holder.children);
            let messages: Vec<_> = rule.children("Messages").collect();
            let names = messages.iter().flat_map(|message| described(message.child("Data")));
            let names: Vec<_> = names.collect();
            let topics: Vec<_> = messages
                .iter()
                .filter_map(|message| text(message, &["ParentTopic"]))
                .map(|topic| topic.split('/').map(local).collect::<Vec<_>>().join("/"))
                .collect();
            let mut means: Vec<EventKind> = topics.iter().flat_map(|topic| kinds(topic, &names)).collect();
            means.sort();
            means.dedup();
            Some(RuleKind {
                kind: local(rule.attribute("Name")?),
                parameters: parameters.filter_map(|item| item.attribute("Name").map(str::to_owned)).collect(),
                topics,
                means,
            })
        });
        Ok(all.collect())
    }

    /// Changes the simple parameters of the rule of this name; its lines and zones, and what is not named in `wanted`,
    /// stay as they are. ModifyRules.
    ///
    /// # Errors
    /// What the camera answers instead; [`Error::NotOffered`] if it no longer has the rule.
    pub async fn set_rule(&self, profile: &Profile, wanted: &Rule) -> Result<(), Error> {
        let body = self.ask_analytics(profile, "GetRules").await?;
        let mut known = listed(&body, &["Rule", "Rules"]);
        let known = known.find(|rule| rule.attribute("Name") == Some(&wanted.name));
        let mut rule = known.cloned().ok_or_else(|| self.lacks("this rule any more"))?;
        let parameters = rule.child_or_new(&["Parameters"], "Parameters");
        for (name, value) in &wanted.parameters {
            let is_it =
                |item: &&mut Element| &*item.name == "SimpleItem" && item.attribute("Name") == Some(name);
            if let Some(item) = parameters.children.iter_mut().find(is_it) {
                item.put_attribute("Value", value);
            }
        }
        self.change_rules(profile, "ModifyRules", &rule.write_as("Rule")).await
    }

    /// Makes a rule from its name, its kind and its simple parameters, in the order of `wanted`. Kinds that need lines
    /// or zones are refused by the camera. CreateRules.
    ///
    /// # Errors
    /// What the camera answers instead; [`Error::NotOffered`] for a kind that it cannot do.
    pub async fn create_rule(&self, profile: &Profile, wanted: &Rule) -> Result<(), Error> {
        let body = self.ask_analytics(profile, "GetSupportedRules").await?;
        let holder = body.child("SupportedRules").unwrap_or(&body);
        // The camera's own name of the kind, with its prefix.
        let kind = listed(holder, &["RuleDescription"]).filter_map(|rule| rule.attribute("Name"));
        let kind = kind.filter(|kind| local(kind) == wanted.kind).map(str::trim).next();
        let kind = kind.ok_or_else(|| self.lacks("rules of this kind"))?;
        let mut content =
            format!("<Rule Name=\"{}\" Type=\"{}\"><tt:Parameters>", escape(&wanted.name), escape(kind));
        for (name, value) in &wanted.parameters {
            content.push_str(&format!(
                "<tt:SimpleItem Name=\"{}\" Value=\"{}\"/>",
                escape(name),
                escape(value)
            ));
        }
        content.push_str("</tt:Parameters></Rule>");
        self.change_rules(profile, "CreateRules", &content).await
    }

    /// Deletes the rule of this name. DeleteRules.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn delete_rule(&self, profile: &Profile, name: &str) -> Result<(), Error> {
        self.change_rules(profile, "DeleteRules", &format!("<RuleName>{}</RuleName>", escape(name))).await
    }

    async fn change_rules(&self, profile: &Profile, name: &'static str, content: &str) -> Result<(), Error> {
        let Some(token) = &profile.analytics else {
            return Err(self.lacks(Part::Analytics.words()));
        };
        let content = format!("<ConfigurationToken>{}</ConfigurationToken>{content}", escape(token));
        self.ask(Part::Analytics, name, &content).await.map(drop)
    }

    /// Asks which events the camera offers. GetEventProperties.
    ///
    /// # Errors
    /// What the camera answers instead; [`Error::NotOffered`] without the event service.
    pub async fn topics_offered(&self) -> Result<Vec<TopicOffered>, Error> {
        let said = self.0.services.said(Part::Events).ok_or_else(|| self.lacks(Part::Events.words()))?;
        let service = self.0.services.get(Part::Events).ok_or_else(|| self.lacks(Part::Events.words()))?;
        let action = format!("{}/EventPortType/GetEventPropertiesRequest", ns::EVENTS);
        let id = uuid::Uuid::new_v4().to_string();
        let operation =
            Operation::new(ns::EVENTS, "GetEventProperties", "").addressed(said, &action, &id, &[]);
        let body = self.0.session.call(service, &operation).await?;
        let mut topics = Vec::new();
        if let Some(set) = body.find("TopicSet") {
            for child in &set.children {
                gather(child, "", &mut topics);
            }
        }
        Ok(topics)
    }

    async fn ask_analytics(&self, profile: &Profile, name: &'static str) -> Result<Element, Error> {
        let Some(token) = &profile.analytics else {
            return Err(self.lacks(Part::Analytics.words()));
        };
        let content = format!("<ConfigurationToken>{}</ConfigurationToken>", escape(token));
        self.ask(Part::Analytics, name, &content).await
    }
}

/// Walks down a topic set; a topic is what is marked as one or describes its messages.
fn gather(element: &Element, above: &str, topics: &mut Vec<TopicOffered>) {
    if &*element.name == "MessageDescription" || topics.len() >= TOPICS_MAX {
        return;
    }
    let topic = if above.is_empty() { element.name.to_string() } else { format!("{above}/{}", element.name) };
    let message = element.child("MessageDescription");
    if message.is_some() || flag_attribute(element, "topic") == Some(true) {
        let part = |name| described(message.and_then(|message| message.child(name))).collect::<Vec<_>>();
        let data = part("Data");
        topics.push(TopicOffered {
            has_state: message.and_then(|message| flag_attribute(message, "IsProperty")).unwrap_or(false),
            source: part("Source"),
            means: kinds(&topic, &data),
            data,
            topic: topic.clone(),
        });
    }
    for child in &element.children {
        gather(child, &topic, topics);
    }
}

/// The names of the items that a description lists.
fn described(holder: Option<&Element>) -> impl Iterator<Item = String> {
    let items = holder.into_iter().flat_map(|holder| &holder.children);
    items.filter_map(|item| item.attribute("Name").map(str::to_owned)).take(64)
}

fn local(name: &str) -> String {
    name.trim().rsplit(':').next().unwrap_or_default().to_owned()
}
