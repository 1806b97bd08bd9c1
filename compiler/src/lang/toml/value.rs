//! Values and tables, and the rules for adding to a table that is there already.

use std::collections::BTreeMap;

use super::error::{Problem, Source};

/// A value.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// `true` or `false`
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number with fraction or exponent, `inf` or `nan`.
    Float(f64),
    /// A string; UTF-8, but may hold NUL.
    String(Vec<u8>),
    /// A date, a time or both, in normal form.
    Time(String),
    /// An array.
    Array(Vec<Value>),
    /// A table.
    Table(BTreeMap<Vec<u8>, Value>),
}

/// How a table came to be, which decides what may be added.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Origin {
    /// By a header.
    Header,
    /// By the header of something inside it.
    Implied,
    /// By a dotted key.
    Dotted,
    /// In braces.
    Inline,
}

/// A value while the text is read.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) content: Content,
    /// Where it was written.
    pub(super) region: (usize, usize),
}

#[derive(Debug)]
pub(super) enum Content {
    Leaf(Value),
    Array { items: Vec<Node>, by_headers: bool },
    Table { members: Members, origin: Origin },
}

/// Members of a table.
pub(super) type Members = BTreeMap<Vec<u8>, Node>;

impl Node {
    pub(super) fn table(origin: Origin, region: (usize, usize)) -> Node {
        Node { content: Content::Table { members: Members::new(), origin }, region }
    }

    fn is_table(&self) -> bool {
        matches!(self.content, Content::Table { .. })
    }

    fn is_array_of_tables(&self) -> bool {
        matches!(&self.content, Content::Array { items, .. } if !items.is_empty() && items.iter().all(Node::is_table))
    }

    pub(super) fn into_value(self) -> Value {
        match self.content {
            Content::Leaf(value) => value,
            Content::Array { items, .. } => Value::Array(items.into_iter().map(Node::into_value).collect()),
            Content::Table { members, .. } => {
                Value::Table(members.into_iter().map(|(name, node)| (name, node.into_value())).collect())
            }
        }
    }
}

/// A key with where it was written.
pub(super) struct Key {
    pub(super) names: Vec<Vec<u8>>,
    pub(super) region: (usize, usize),
}

/// The table below `members` that all but the last name of `key` lead to; missing ones are made.
fn descend<'m>(
    source: Source,
    mut members: &'m mut Members,
    key: &Key,
    new: Origin,
) -> Result<&'m mut Members, Problem> {
    for name in &key.names[..key.names.len() - 1] {
        let node = members.entry(name.clone()).or_insert_with(|| Node::table(new, key.region));
        let refuse = |title: &str, doing: &str, region, found: &str| {
            Err(Problem::new(title, source.region(key.region), doing).and(source.region(region), found))
        };
        let (region, is_array_of_tables) = (node.region, node.is_array_of_tables());
        members = match &mut node.content {
            Content::Table { origin: Origin::Inline, .. } => {
                let title = "toml::insert_value: failed to insert a value: inline table is immutable";
                return refuse(title, "inserting this", region, "to this table");
            }
            Content::Table { origin, .. } if new == Origin::Dotted && *origin != Origin::Dotted => {
                let title = "toml::insert_value: reopening a table using dotted keys";
                return refuse(
                    title,
                    "dotted key cannot reopen a table",
                    region,
                    "this table is already closed",
                );
            }
            Content::Table { members, .. } => members,
            Content::Array { by_headers: false, .. } if is_array_of_tables => {
                let title = "toml::insert_value:inline array of tables are immutable";
                return refuse(title, "inserting this", region, "inline array of tables");
            }
            Content::Array { .. } if is_array_of_tables && new == Origin::Dotted => {
                let title = "toml::insert_value:dotted key cannot reopen an array-of-tables";
                return refuse(title, "inserting this", region, "to this array-of-tables.");
            }
            Content::Array { items, .. } if is_array_of_tables => match items
                .last_mut()
                .map(|n| &mut n.content)
            {
                Some(Content::Table { members, .. }) => members,
                _ => return refuse(EXISTS, "while inserting this", region, "non-table value already exists"),
            },
            _ => return refuse(EXISTS, "while inserting this", region, "non-table value already exists"),
        };
    }
    Ok(members)
}

const EXISTS: &str = "toml::insert_value: failed to insert a value, value already exists";

/// The last name of a key.
fn last(key: &Key) -> Vec<u8> {
    key.names.last().cloned().unwrap_or_default()
}

/// `a.b.c = value`
pub(super) fn insert_value(
    source: Source,
    members: &mut Members,
    key: &Key,
    value: Node,
) -> Result<(), Problem> {
    let members = descend(source, members, key, Origin::Dotted)?;
    if let Some(found) = members.get(&last(key)) {
        let place = source.region(found.region);
        return Err(Problem::new(EXISTS, source.region(key.region), "inserting this")
            .and(place, "but value already exists"));
    }
    members.insert(last(key), value);
    Ok(())
}

/// `[a.b.c]`: the members of that table.
pub(super) fn open_table<'m>(
    source: Source,
    root: &'m mut Members,
    key: &Key,
) -> Result<&'m mut Members, Problem> {
    let members = descend(source, root, key, Origin::Implied)?;
    let node = members.entry(last(key)).or_insert_with(|| Node::table(Origin::Implied, key.region));
    let found = node.region;
    match &mut node.content {
        Content::Table { members, origin } if *origin == Origin::Implied => {
            *origin = Origin::Header;
            node.region = key.region;
            Ok(members)
        }
        _ => {
            let title = "toml::insert_value: failed to insert a table, table already defined";
            Err(Problem::new(title, source.region(key.region), "inserting this")
                .and(source.region(found), "this table is explicitly defined"))
        }
    }
}

/// `[[a.b.c]]`: the members of a new table at the end of that array.
pub(super) fn append_table<'m>(
    source: Source,
    root: &'m mut Members,
    key: &Key,
) -> Result<&'m mut Members, Problem> {
    let members = descend(source, root, key, Origin::Implied)?;
    let is_new = !members.contains_key(&last(key));
    let node = members.entry(last(key)).or_insert_with(|| Node {
        content: Content::Array { items: Vec::new(), by_headers: true },
        region: key.region,
    });
    let found = node.region;
    let refuse = |title: &str, what: &str| {
        let inserting = source.region(key.region);
        Err(Problem::new(title, inserting, "while inserting this").and(source.region(found), what))
    };
    if !is_new && !node.is_array_of_tables() {
        let title = "toml::insert_value: failed to insert an array of tables, value already exists";
        return refuse(title, "non-table value already exists");
    }
    if let Content::Array { items, by_headers: true } = &mut node.content {
        items.push(Node::table(Origin::Header, key.region));
        if let Some(Content::Table { members, .. }) = items.last_mut().map(|node| &mut node.content) {
            return Ok(members);
        }
    }
    let title = "toml::insert_value: failed to insert a table, inline array of tables is immutable";
    refuse(title, "this is inline array-of-tables")
}
