//! Events by pull point. ONVIF Core Specification, 9; OASIS WS-BaseNotification 1.3.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Span, Timestamp};

use super::{Caller, Fault, shape::SOURCE};
use crate::{
    camera::Camera,
    events::{Report, Topic, UnknownSubscription},
    fault::Fault as Planned,
    soap::{Element, escape},
};

/// How long a subscription lasts if the client does not say.
const DEFAULT_SPAN: Duration = Duration::from_secs(60);
/// The longest subscription given.
const LONGEST_SPAN: Duration = Duration::from_secs(3600);
/// The longest that one pull waits.
const LONGEST_PULL: Duration = Duration::from_secs(60);
/// Reports in one answer at most.
const MOST_REPORTS: usize = 1000;
/// Reports in one answer if the client does not say.
const USUAL_REPORTS: usize = 100;

const EVENT_ACTION: &str = "http://www.onvif.org/ver10/events/wsdl/";
const SUBSCRIPTION_ACTION: &str = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/";
const CONCRETE_SET: &str = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet";

type Reply = Result<(Option<String>, String), Fault>;

impl From<UnknownSubscription> for Fault {
    fn from(_: UnknownSubscription) -> Self {
        Self::NoSubscription
    }
}

/// Answers what is sent to the event service itself.
pub(super) fn service(camera: &Arc<Camera>, operation: &Element, caller: &Caller) -> Reply {
    match operation.name.as_str() {
        "GetEventProperties" => {
            Ok((Some(format!("{EVENT_ACTION}EventPortType/GetEventPropertiesResponse")), properties(camera)))
        }
        "CreatePullPointSubscription" if camera.fails(&Planned::NoEvents) => {
            Err(Fault::NotSupported("CreatePullPointSubscription".to_owned()))
        }
        "CreatePullPointSubscription" => {
            let span = match operation.text_of("InitialTerminationTime") {
                Some(text) => span(camera, text)?,
                None => DEFAULT_SPAN,
            };
            let number = camera.events.subscribe(span);
            let body = format!(
                "<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference><wsa:Address>{}</wsa:Address>\
                 </tev:SubscriptionReference>{}</tev:CreatePullPointSubscriptionResponse>",
                escape(&format!("{}/onvif/subscription/{number}", caller.http)),
                times(camera, number)?
            );
            Ok((Some(format!("{EVENT_ACTION}EventPortType/CreatePullPointSubscriptionResponse")), body))
        }
        "GetServiceCapabilities" => Ok((
            Some(format!("{EVENT_ACTION}EventPortType/GetServiceCapabilitiesResponse")),
            "<tev:GetServiceCapabilitiesResponse><tev:Capabilities WSPullPointSupport=\"true\" MaxPullPoints=\"64\"/>\
             </tev:GetServiceCapabilitiesResponse>"
                .to_owned(),
        )),
        other => Err(Fault::NotSupported(other.to_owned())),
    }
}

/// Answers what is sent to subscription `number`.
pub(super) async fn subscription(
    camera: &Arc<Camera>,
    number: u64,
    operation: &Element,
    _caller: &Caller,
) -> Reply {
    let events = &camera.events;
    match operation.name.as_str() {
        "PullMessages" => {
            let patience = match operation.text_of("Timeout") {
                Some(text) => span(camera, text)?.min(LONGEST_PULL),
                None => LONGEST_PULL,
            };
            let limit = operation.text_of("MessageLimit").and_then(|text| text.parse().ok());
            let limit = limit.unwrap_or(USUAL_REPORTS).clamp(1, MOST_REPORTS);
            let reports = events.pull(number, limit, patience).await?;
            let messages: String = reports.iter().map(|report| message(camera, report)).collect();
            let body = format!(
                "<tev:PullMessagesResponse>{}{messages}</tev:PullMessagesResponse>",
                event_times(camera, number)?
            );
            Ok((Some(format!("{EVENT_ACTION}PullPointSubscription/PullMessagesResponse")), body))
        }
        "SetSynchronizationPoint" => {
            events.synchronize(number)?;
            Ok((
                Some(format!("{EVENT_ACTION}PullPointSubscription/SetSynchronizationPointResponse")),
                "<tev:SetSynchronizationPointResponse/>".to_owned(),
            ))
        }
        "Renew" if camera.fails(&Planned::RenewRefused) => Err(Fault::NotSupported("Renew".to_owned())),
        "Renew" => {
            let span = match operation.text_of("TerminationTime") {
                Some(text) => span(camera, text)?,
                None => DEFAULT_SPAN,
            };
            events.renew(number, span)?;
            let body =
                format!("<wsnt:RenewResponse>{}</wsnt:RenewResponse>", times_reversed(camera, number)?);
            Ok((Some(format!("{SUBSCRIPTION_ACTION}RenewResponse")), body))
        }
        "Unsubscribe" => {
            events.unsubscribe(number)?;
            Ok((
                Some(format!("{SUBSCRIPTION_ACTION}UnsubscribeResponse")),
                "<wsnt:UnsubscribeResponse/>".to_owned(),
            ))
        }
        other => Err(Fault::NotSupported(other.to_owned())),
    }
}

/// An `AbsoluteOrRelativeTimeType`: a duration like `PT60S`, or a time by the camera's clock.
fn span(camera: &Camera, text: &str) -> Result<Duration, Fault> {
    let invalid = || Fault::InvalidArgument(format!("“{text}” is no time"));
    let relative = text.starts_with(['P', '-']);
    let span = if relative {
        let span: Span = text.parse().map_err(|_| invalid())?;
        span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| invalid())?
    } else {
        let until: Timestamp = text.parse().map_err(|_| invalid())?;
        SignedDuration::from_micros(until.as_microsecond() - camera.loop_clock.camera_time().0)
    };
    let span = Duration::try_from(span).map_err(|_| invalid())?;
    Ok(span.min(LONGEST_SPAN))
}

fn times(camera: &Camera, number: u64) -> Result<String, Fault> {
    let (now, end) = (camera.loop_clock.camera_time(), camera.events.ends(number)?);
    Ok(format!(
        "<wsnt:CurrentTime>{now}</wsnt:CurrentTime><wsnt:TerminationTime>{end}</wsnt:TerminationTime>"
    ))
}

/// The schema of `RenewResponse` has them the other way round.
fn times_reversed(camera: &Camera, number: u64) -> Result<String, Fault> {
    let (now, end) = (camera.loop_clock.camera_time(), camera.events.ends(number)?);
    Ok(format!(
        "<wsnt:TerminationTime>{end}</wsnt:TerminationTime><wsnt:CurrentTime>{now}</wsnt:CurrentTime>"
    ))
}

/// `PullMessagesResponse` has elements of ONVIF's own for them.
fn event_times(camera: &Camera, number: u64) -> Result<String, Fault> {
    let (now, end) = (camera.loop_clock.camera_time(), camera.events.ends(number)?);
    Ok(format!("<tev:CurrentTime>{now}</tev:CurrentTime><tev:TerminationTime>{end}</tev:TerminationTime>"))
}

fn message(camera: &Camera, report: &Report) -> String {
    let (topic, source, value) = match report.topic {
        Topic::Motion => (
            "tns1:RuleEngine/CellMotionDetector/Motion",
            format!(
                "<tt:SimpleItem Name=\"VideoSourceConfigurationToken\" Value=\"{SOURCE}\"/>\
                 <tt:SimpleItem Name=\"VideoAnalyticsConfigurationToken\" Value=\"analytics\"/>\
                 <tt:SimpleItem Name=\"Rule\" Value=\"MyMotionDetectorRule\"/>"
            ),
            "IsMotion",
        ),
        Topic::Visitor => (
            "tns1:RuleEngine/MyRuleDetector/Visitor",
            format!("<tt:SimpleItem Name=\"Source\" Value=\"{SOURCE}\"/>"),
            "State",
        ),
        Topic::Relay(number) => (
            "tns1:Device/Trigger/Relay",
            format!("<tt:SimpleItem Name=\"RelayToken\" Value=\"{}\"/>", relay_token(camera, number)),
            "LogicalState",
        ),
        Topic::Input => (
            "tns1:Device/Trigger/DigitalInput",
            "<tt:SimpleItem Name=\"InputToken\" Value=\"input\"/>".to_owned(),
            "LogicalState",
        ),
    };
    let state = match report.topic {
        // The one that is no xs:boolean: tt:RelayLogicalState.
        Topic::Relay(_) if report.on => "active",
        Topic::Relay(_) => "inactive",
        Topic::Motion | Topic::Visitor | Topic::Input if report.on => "true",
        Topic::Motion | Topic::Visitor | Topic::Input => "false",
    };
    let operation = if report.initial { "Initialized" } else { "Changed" };
    format!(
        "<wsnt:NotificationMessage><wsnt:Topic Dialect=\"{CONCRETE_SET}\">{topic}</wsnt:Topic><wsnt:Message>\
         <tt:Message UtcTime=\"{}\" PropertyOperation=\"{operation}\"><tt:Source>{source}</tt:Source>\
         <tt:Data><tt:SimpleItem Name=\"{value}\" Value=\"{state}\"/></tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>",
        report.at
    )
}

fn relay_token(camera: &Camera, number: usize) -> &'static str {
    camera.settings.lock().relays.get(number).map_or("", |relay| relay.token)
}

fn properties(camera: &Camera) -> String {
    let typed = |source: &str, value: &str, kind: &str| {
        format!(
            "<tt:MessageDescription IsProperty=\"true\"><tt:Source>{source}</tt:Source><tt:Data>\
             <tt:SimpleItemDescription Name=\"{value}\" Type=\"{kind}\"/></tt:Data></tt:MessageDescription>"
        )
    };
    let description = |source: &str, value: &str| typed(source, value, "xs:boolean");
    let token =
        |name: &str| format!("<tt:SimpleItemDescription Name=\"{name}\" Type=\"tt:ReferenceToken\"/>");
    let mut triggers = String::new();
    if camera.events.knows(Topic::Relay(0)) {
        let relay = typed(&token("RelayToken"), "LogicalState", "tt:RelayLogicalState");
        triggers += &format!("<Relay wstop:topic=\"true\">{relay}</Relay>");
    }
    if camera.events.knows(Topic::Input) {
        let input = description(&token("InputToken"), "LogicalState");
        triggers += &format!("<DigitalInput wstop:topic=\"true\">{input}</DigitalInput>");
    }
    if !triggers.is_empty() {
        triggers = format!(
            "<tns1:Device wstop:topic=\"false\"><Trigger wstop:topic=\"false\">{triggers}</Trigger></tns1:Device>"
        );
    }
    let motion = description(
        "<tt:SimpleItemDescription Name=\"VideoSourceConfigurationToken\" Type=\"tt:ReferenceToken\"/>\
         <tt:SimpleItemDescription Name=\"VideoAnalyticsConfigurationToken\" Type=\"tt:ReferenceToken\"/>\
         <tt:SimpleItemDescription Name=\"Rule\" Type=\"xs:string\"/>",
        "IsMotion",
    );
    let visitor = if camera.footage.moments.is_empty() {
        String::new()
    } else {
        format!(
            "<MyRuleDetector wstop:topic=\"false\"><Visitor wstop:topic=\"true\">{}</Visitor></MyRuleDetector>",
            description("<tt:SimpleItemDescription Name=\"Source\" Type=\"tt:ReferenceToken\"/>", "State")
        )
    };
    format!(
        "<tev:GetEventPropertiesResponse>\
         <tev:TopicNamespaceLocation>http://www.onvif.org/onvif/ver10/topics/topicns.xml</tev:TopicNamespaceLocation>\
         <wsnt:FixedTopicSet>true</wsnt:FixedTopicSet>\
         <wstop:TopicSet><tns1:RuleEngine wstop:topic=\"false\"><CellMotionDetector wstop:topic=\"false\">\
         <Motion wstop:topic=\"true\">{motion}</Motion></CellMotionDetector>{visitor}</tns1:RuleEngine>{triggers}</wstop:TopicSet>\
         <wsnt:TopicExpressionDialect>{CONCRETE_SET}</wsnt:TopicExpressionDialect>\
         <wsnt:TopicExpressionDialect>http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete</wsnt:TopicExpressionDialect>\
         <tev:MessageContentFilterDialect>http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter</tev:MessageContentFilterDialect>\
         <tev:MessageContentSchemaLocation>http://www.onvif.org/onvif/ver10/schema/onvif.xsd</tev:MessageContentSchemaLocation>\
         </tev:GetEventPropertiesResponse>"
    )
}
