//! Which address to use when a camera names one: cameras behind a router, in a container or set up carelessly name
//! hosts that cannot be reached, so the host that answered wins. This also keeps passwords from going elsewhere.

use url::Url;

use crate::scoped::without_zone;

/// `host:port`, for messages to a person.
pub(crate) fn label(url: &Url) -> String {
    let host = url.host_str().unwrap_or("?");
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Where to reach a service that the camera says is at `said`, best first, all on the host that `answered`.
///
/// A camera that names its own host correctly is believed about the port. Otherwise the port that answered comes
/// first and the named one second.
pub(crate) fn candidates(answered: &Url, said: &str) -> Vec<Url> {
    let said = &without_zone(said.trim());
    let Ok(said) = Url::parse(said).or_else(|_| answered.join(said)) else {
        return vec![answered.clone()];
    };
    let mut here = answered.clone();
    here.set_path(said.path());
    here.set_query(said.query());
    here.set_fragment(None);
    let mut there = here.clone();
    if answered.scheme() == "http" && said.scheme() == "https" && said.host() == answered.host() {
        // Where the service answers without encryption too, it would have been named so; but many name what is not there.
        let mut there = said.clone();
        let is_plain = there.set_username("").and_then(|()| there.set_password(None)).is_ok();
        there.set_fragment(None);
        return if is_plain { vec![there, here] } else { vec![here] };
    }
    let same_scheme = said.scheme() == answered.scheme();
    if !same_scheme || there.set_port(said.port()).is_err() {
        return vec![here];
    }
    let mut all = if said.host() == answered.host() { vec![there, here] } else { vec![here, there] };
    all.dedup();
    all
}

/// The stream address `said` at the host that `answered`, without credentials; port, path and query stay.
pub(crate) fn stream(answered: &Url, said: &str) -> Option<Url> {
    let mut url = Url::parse(&without_zone(said.trim()).replace(' ', "%20")).ok()?;
    if !matches!(url.scheme(), "rtsp" | "rtsps" | "rtspu" | "http" | "https") {
        return None;
    }
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    url.set_host(answered.host_str()).ok()?;
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(answered: &str, said: &str) -> Vec<String> {
        candidates(&Url::parse(answered).unwrap(), said).into_iter().map(Into::into).collect()
    }

    #[test]
    fn another_host_is_replaced_by_the_one_that_answered() {
        for said in
            ["http://127.0.0.1/onvif/media", "http://0.0.0.0/onvif/media", "http://10.0.0.9/onvif/media"]
        {
            assert_eq!(
                at("http://192.168.1.5:8080/onvif/device_service", said),
                ["http://192.168.1.5:8080/onvif/media", "http://192.168.1.5/onvif/media"]
            );
        }
    }

    #[test]
    fn a_right_host_is_believed_about_its_port() {
        assert_eq!(
            at("http://192.168.1.5:2020/onvif/device_service", "http://192.168.1.5:1024/event-0_2020?x=1"),
            ["http://192.168.1.5:1024/event-0_2020?x=1", "http://192.168.1.5:2020/event-0_2020?x=1"]
        );
    }

    #[test]
    fn a_service_behind_https_is_tried_there_first() {
        assert_eq!(at("http://h/d", "https://h:8443/m"), ["https://h:8443/m", "http://h/m"]);
    }

    #[test]
    fn a_path_alone_and_nonsense_stay_on_the_camera() {
        assert_eq!(at("http://h/onvif/device_service", "/onvif/media"), ["http://h/onvif/media"]);
        assert_eq!(
            at("https://h/onvif/device_service", "http://other/onvif/media"),
            ["https://h/onvif/media"]
        );
        assert_eq!(at("http://h/d", "http://[bad"), ["http://h/d"]);
    }

    #[test]
    fn a_link_local_address_with_an_interface_of_the_camera_is_understood() {
        assert_eq!(
            at("http://192.168.1.5/onvif/device_service", "http://[fe80::1%25eth0]:8080/onvif/media"),
            ["http://192.168.1.5/onvif/media", "http://192.168.1.5:8080/onvif/media"]
        );
        let answered = Url::parse("http://fe80--1s3.ipv6-literal.net/onvif").unwrap();
        let url = stream(&answered, "rtsp://[fe80::1%eth0]:8554/ch1").unwrap();
        assert_eq!(url.as_str(), "rtsp://fe80--1s3.ipv6-literal.net:8554/ch1");
        assert_eq!(
            at(answered.as_str(), "http://[fe80::1%eth7]:8080/media"),
            ["http://fe80--1s3.ipv6-literal.net/media", "http://fe80--1s3.ipv6-literal.net:8080/media"]
        );
    }

    #[test]
    fn a_stream_loses_its_credentials_and_keeps_its_query() {
        let answered = Url::parse("http://192.168.1.5:8080/onvif").unwrap();
        let said = "rtsp://admin:p%40ss@127.0.0.1:8554/Streaming/Channels/101?transportmode=unicast&profile=Profile_1";
        let url = stream(&answered, said).unwrap();
        assert_eq!(
            url.as_str(),
            "rtsp://192.168.1.5:8554/Streaming/Channels/101?transportmode=unicast&profile=Profile_1"
        );
        assert_eq!(stream(&answered, "file:///etc/passwd"), None);
    }
}
