//! Changing a configuration that a camera gave and writing it back whole: what Hausrecht does not know of it stays as it
//! is, and what is added stands where the schema wants it.

use crate::{
    soap::ns,
    xml::{Element, escape},
};

impl Element {
    /// The child of this name, made where `order` says if it is not there. `order` lists the names that the schema
    /// allows, in its order; a name that is not among them goes to the end.
    pub(super) fn child_or_new(&mut self, order: &[&str], name: &str) -> &mut Self {
        let index = match self.children.iter().position(|child| &*child.name == name) {
            Some(index) => index,
            None => {
                let rank = |name: &str| order.iter().position(|known| *known == name);
                let own = rank(name).unwrap_or(order.len());
                let after = |child: &Self| rank(&child.name).is_none_or(|rank| rank > own);
                let index = self.children.iter().position(after).unwrap_or(self.children.len());
                let namespace = Some(ns::SCHEMA.into());
                self.children.insert(index, Self { namespace, name: name.into(), ..Self::default() });
                index
            }
        };
        &mut self.children[index]
    }

    /// Sets the text of the child of this name.
    pub(super) fn put(&mut self, order: &[&str], name: &str, text: impl ToString) {
        self.child_or_new(order, name).text = text.to_string();
    }

    /// Sets or adds an attribute.
    pub(super) fn put_attribute(&mut self, name: &str, value: impl ToString) {
        match self.attributes.iter_mut().find(|(known, _)| &**known == name) {
            Some((_, known)) => *known = value.to_string(),
            None => self.attributes.push((name.into(), value.to_string())),
        }
    }

    /// Writes the element as `name` of the service, and what is inside with the prefix `tt` where it is of the schema.
    pub(super) fn write_as(&self, name: &str) -> String {
        let mut out = String::new();
        self.write_inside(&mut out, name);
        out
    }

    fn write_inside(&self, out: &mut String, name: &str) {
        out.push('<');
        out.push_str(name);
        for (attribute, value) in &self.attributes {
            out.push_str(&format!(" {attribute}=\"{}\"", escape(value)));
        }
        out.push('>');
        let is_leaf = self.children.is_empty();
        // Text beside elements is only the indentation that the camera sent.
        out.push_str(&escape(if is_leaf { &self.text } else { "" }));
        for child in &self.children {
            match child.namespace.as_deref() {
                None | Some(ns::SCHEMA) => child.write_inside(out, &format!("tt:{}", child.name)),
                // The service's own namespace is that of the operation around all this.
                Some(ns::MEDIA | ns::MEDIA2) => child.write_inside(out, &child.name),
                Some(_) => child.write_to(out, ""),
            }
        }
        out.push_str(&format!("</{name}>"));
    }
}

#[cfg(test)]
mod tests {
    use crate::xml::parse;

    #[test]
    fn a_new_child_stands_where_the_schema_wants_it_and_the_rest_stays() {
        let text = r#"<c xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:v="urn:v" token="a&amp;b"><tt:Name>n</tt:Name>
            <tt:Multicast><tt:Port>0</tt:Port></tt:Multicast><v:Own x="1">o</v:Own></c>"#;
        let mut element = parse(text.as_bytes()).unwrap();
        let order = ["Name", "UseCount", "Quality", "Multicast"];
        element.put(&order, "Quality", 4);
        element.put(&order, "Name", "<new>");
        element.put(&order, "Later", true);
        assert_eq!(
            element.write_as("Configuration"),
            "<Configuration token=\"a&amp;b\"><tt:Name>&lt;new&gt;</tt:Name><tt:Quality>4</tt:Quality>\
             <tt:Multicast><tt:Port>0</tt:Port></tt:Multicast><tt:Later>true</tt:Later><Own xmlns=\"urn:v\" x=\"1\">o\
             </Own></Configuration>"
        );
    }
}
