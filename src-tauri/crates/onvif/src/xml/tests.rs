//! What the reader accepts and what it refuses.

use proptest::prelude::*;

use super::*;

fn tree(text: &str) -> Element {
    parse(text.as_bytes()).unwrap()
}

#[test]
fn names_are_read_without_prefix_and_with_namespace() {
    let root = tree(r#"<a:X xmlns:a="urn:a"><a:Y k="1 &amp; 2"> hi &#33; <![CDATA[<>]]></a:Y></a:X>"#);
    assert_eq!(root.namespace.as_deref(), Some("urn:a"));
    assert_eq!(root.text_at(&["Y"]), Some("hi ! <>"));
    assert_eq!(root.child("Y").unwrap().attribute("k"), Some("1 & 2"));
}

#[test]
fn an_undeclared_prefix_is_tolerated() {
    let root = tree("<s:Envelope><s:Body><tds:Y>1</tds:Y></s:Body></s:Envelope>");
    assert_eq!(root.text_at(&["Body", "Y"]), Some("1"));
    assert!(root.is("Envelope", &["urn:other"]));
}

#[test]
fn a_bare_ampersand_in_an_address_is_tolerated() {
    assert_eq!(tree("<a>rtsp://x/?a=1&b=2</a>").text, "rtsp://x/?a=1&b=2");
}

#[test]
fn garbage_after_the_end_is_ignored() {
    assert_eq!(tree("\r\n <a>1</a>\0\0<<<").text, "1");
}

#[test]
fn latin1_and_utf16_are_read() {
    let latin1 = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>T\xFCr</a>";
    assert_eq!(parse(latin1).unwrap().text, "Tür");
    let mut utf16 = vec![0xFF, 0xFE];
    utf16.extend("<a>Tür</a>".encode_utf16().flat_map(u16::to_le_bytes));
    assert_eq!(parse(&utf16).unwrap().text, "Tür");
    let without_mark: Vec<u8> = "<a>Tür</a>".encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(parse(&without_mark).unwrap().text, "Tür");
}

#[test]
fn latin1_that_is_declared_as_utf8_or_not_at_all_is_read() {
    for declaration in
        ["", r#"<?xml version="1.0" encoding="UTF-8"?>"#, r#"<?xml version="1.0" encoding="utf-16"?>"#]
    {
        let mut bytes = declaration.as_bytes().to_vec();
        bytes.extend(b"<a>T\xFCr \xC3\xBC \x81</a>");
        assert_eq!(parse(&bytes).unwrap().text, "Tür ü \u{FFFD}", "{declaration}");
    }
}

#[test]
fn marks_mime_heads_and_stray_chunk_numbers_are_passed_over() {
    let mime = "--x\r\nContent-Type: application/xop+xml\r\nContent-ID: <a@b>\r\n\r\n<a>1</a>\r\n--x--";
    for text in ["\u{FEFF}<a>1</a>", "\0\r\n<a>1</a>", mime, "1a3\r\n<?xml version=\"1.0\"?><a>1</a>"] {
        assert_eq!(tree(text).text, "1", "{text}");
    }
}

#[test]
fn a_long_namespace_does_not_multiply() {
    let text = format!("<a xmlns=\"{}\">{}</a>", "n".repeat(1 << 20), "<b/>".repeat(50_000));
    let root = tree(&text);
    assert_eq!(root.children[49_999].namespace.as_deref().unwrap().len(), NAMESPACE_MAX_BYTES);
}

#[test]
fn a_flood_of_attributes_is_refused() {
    let flood = format!("<a {}/>", "b='' ".repeat(ATTRIBUTES_MAX + 1));
    assert_eq!(parse(flood.as_bytes()), Err(XmlError::TooMany));
    let flood = (0..100_000).map(|number| format!("xmlns:n{number}='x' ")).collect::<String>();
    assert!(parse(format!("<a {flood}/>").as_bytes()).is_err());
}

#[test]
fn a_document_type_is_refused() {
    let bomb = "<!DOCTYPE a [<!ENTITY x \"xx\"><!ENTITY y \"&x;&x;\">]><a>&y;</a>";
    assert_eq!(parse(bomb.as_bytes()), Err(XmlError::DocumentType));
}

#[test]
fn an_unknown_entity_stays_as_it_stands() {
    assert_eq!(tree("<a>Caf&eacute; &file; &amp; bar</a>").text, "Caf&eacute; &file; & bar");
}

#[test]
fn deep_nesting_is_refused() {
    assert_eq!(parse("<a>".repeat(100_000).as_bytes()), Err(XmlError::TooDeep));
}

#[test]
fn a_flood_of_elements_is_refused() {
    let flood = format!("<a>{}</a>", "<b/>".repeat(ELEMENTS_MAX));
    assert_eq!(parse(flood.as_bytes()), Err(XmlError::TooMany));
}

#[test]
fn a_cut_answer_is_refused() {
    assert_eq!(parse(b"<a><b>1</b>"), Err(XmlError::CutShort));
    assert_eq!(parse(b""), Err(XmlError::CutShort));
}

#[test]
fn an_element_can_be_sent_back() {
    let root = tree(r#"<r:Id xmlns:r="urn:r" k="&lt;">5<r:In/></r:Id>"#);
    let mut out = String::new();
    root.write_to(&mut out, "");
    assert_eq!(tree(&out), root);
}

#[test]
fn a_name_that_would_break_out_when_it_is_sent_back_is_refused() {
    for text in [r#"<a:b"><c "/>"#, "<a:>5</a:>"] {
        assert!(matches!(parse(text.as_bytes()), Err(XmlError::Broken { .. })), "{text}");
    }
    let root = tree(r#"<Id a<b="1" c="2">5</Id>"#);
    let mut out = String::new();
    root.write_to(&mut out, "");
    assert_eq!(tree(&out), root);
}

proptest! {
    #[test]
    fn parser_never_panics_on_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn parser_never_panics_on_almost_xml(text in r#"(<[a-c/!?]{0,3}(:[ab])?( x(mlns)?(:a)?=?"?[a&;#x0-9]{0,4}"?)?/?>|&#?x?[0-9a-z]{0,9};?|[a-z ]|\]\]>|<!\[CDATA\[|<!--|-->|<!DOCTYPE){0,40}"#) {
        let _ = parse(text.as_bytes());
    }
}

#[test]
fn the_prefixes_for_names_in_a_text_are_found_wherever_they_are_declared() {
    let bytes = br#"<a xmlns="urn:x" xmlns:p="urn:p"><b xmlns:q="urn:q"/><c xmlns:p="urn:r"/><broken"#;
    let found = declared_prefixes(bytes);
    let expected = [("p", "urn:p"), ("q", "urn:q"), ("p", "urn:r")];
    assert_eq!(found, expected.map(|(prefix, namespace)| (prefix.to_owned(), namespace.to_owned())));
}
