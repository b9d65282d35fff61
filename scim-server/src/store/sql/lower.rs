//! From filters to conditions in SQL.

use scim_core::schema::Attribute;
use scim_core::{Object, Registry, TypeDefinition, Value, Version};
use scim_filter::{
    CaseRule, CompareOp, DataType, ResolvedAttr, ResolvedComparison, ResolvedFilter, TypedValue,
};

use super::super::encode::{Index, filter_index, path};
use super::dialect::{Column, Dialect, Step};
use super::document::EMPTY;
use super::statement::Parameter;
use super::value::{FALSE, TRUE, instant_key, number_key};

/// A condition in SQL that holds for every resource that a filter matches.
///
/// Where SQL has no value it may be `NULL` instead of false.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Lowered {
    /// The condition.
    pub condition: String,
    /// Whether it holds for these only.
    pub exact: bool,
}

/// The number of the parameter that is the tenant.
pub(super) const TENANT: usize = 1;
/// The number of the parameter that is the name of the type.
pub(super) const TYPE: usize = 2;

/// Makes conditions of filters of one type, and collects their parameters, the first of which are [`TENANT`] and [`TYPE`].
pub(in super::super) struct Lowering<'a, D> {
    dialect: &'a D,
    registry: &'a Registry,
    definition: &'a TypeDefinition,
    parameters: &'a mut Vec<Parameter>,
    aliases: usize,
}

/// Where the attributes of a filter are.
enum Place<'p> {
    /// In the resource.
    Resource,
    /// In its `meta`.
    Meta,
    /// In a row of a relation, whose resource has this alias.
    Relation(&'p Apart<'p>, String),
    /// In a complex value.
    Object { json: String, path: Vec<Step<'p>>, attribute: &'p Attribute },
    /// A simple value is its own only member.
    Text(String),
}

/// An attribute whose values are rows.
struct Apart<'p> {
    name: &'p str,
    is_relation: bool,
}

impl<'a, D: Dialect> Lowering<'a, D> {
    pub(in super::super) fn new(
        dialect: &'a D,
        registry: &'a Registry,
        definition: &'a TypeDefinition,
        parameters: &'a mut Vec<Parameter>,
    ) -> Self {
        Self { dialect, registry, definition, parameters, aliases: 0 }
    }

    /// A condition for the resources that match; `None` if it would hold for every resource.
    pub(in super::super) fn filter(&mut self, filter: &ResolvedFilter) -> Option<Lowered> {
        self.term(filter, &Place::Resource, false)
    }

    /// As [`Lowering::filter`], for a filter whose opposite is wanted if `negated`. What does not come to a condition
    /// leaves no parameters.
    fn term(&mut self, filter: &ResolvedFilter, place: &Place<'_>, negated: bool) -> Option<Lowered> {
        let before = self.parameters.len();
        let lowered = match filter {
            ResolvedFilter::And(terms) if !negated => self.all(terms, place, negated),
            ResolvedFilter::Or(terms) if negated => self.all(terms, place, negated),
            ResolvedFilter::And(terms) | ResolvedFilter::Or(terms) => self.any(terms, place, negated),
            ResolvedFilter::Not(filter) => self.term(filter, place, !negated),
            ResolvedFilter::Constant(value) => {
                let condition = if *value == negated { "FALSE" } else { "TRUE" };
                Some(Lowered { condition: condition.to_owned(), exact: true })
            }
            ResolvedFilter::Compare(comparison) => exact(self.compare(comparison, place), negated),
            ResolvedFilter::Present(attr) => exact(self.present(attr, place), negated),
            ResolvedFilter::ValuePath { attr, filter } => match self.value_path(attr, filter, place) {
                Some(Lowered { condition, exact: true }) => exact(Some(condition), negated),
                // The opposite of a condition that holds for more is one that holds for less.
                lowered => lowered.filter(|_| !negated),
            },
        };
        if lowered.is_none() {
            self.parameters.truncate(before);
        }
        lowered
    }

    /// All of these hold: whatever can be said is.
    fn all(&mut self, terms: &[ResolvedFilter], place: &Place<'_>, negated: bool) -> Option<Lowered> {
        let lowered: Vec<_> = terms.iter().map(|term| self.term(term, place, negated)).collect();
        let exact = lowered.iter().all(|term| term.as_ref().is_some_and(|term| term.exact));
        let conditions: Vec<_> = lowered.into_iter().flatten().map(|term| term.condition).collect();
        (!conditions.is_empty())
            .then(|| Lowered { condition: format!("({})", conditions.join(" AND ")), exact })
    }

    /// One of these holds: nothing can be said unless it can of each.
    fn any(&mut self, terms: &[ResolvedFilter], place: &Place<'_>, negated: bool) -> Option<Lowered> {
        let lowered = terms.iter().map(|term| self.term(term, place, negated)).collect::<Option<Vec<_>>>()?;
        let exact = lowered.iter().all(|term| term.exact);
        let conditions: Vec<_> = lowered.into_iter().map(|term| term.condition).collect();
        Some(Lowered { condition: format!("({})", conditions.join(" OR ")), exact })
    }

    fn compare(&mut self, comparison: &ResolvedComparison, place: &Place<'_>) -> Option<String> {
        let attr = &comparison.attr;
        match place {
            Place::Resource => match self.home(attr) {
                Home::Id => {
                    let id = id_column("r", attr.case_rule())?;
                    self.test(&id, comparison)
                }
                Home::Meta => self.compare_meta(attr.sub()?, comparison),
                Home::Apart(apart) => {
                    let sub = attr.sub()?;
                    let (rows, alias) = self.rows(&apart);
                    let condition = self.compare_row(&apart, &alias, sub, comparison)?;
                    Some(exists(&rows, &condition, comparison.op == CompareOp::Ne))
                }
                Home::Document => {
                    if let Some(condition) = self.range(attr, attr.sub(), comparison) {
                        return Some(condition);
                    }
                    let (mut path, chain) = find(self.definition, attr)?;
                    self.compare_values(self.dialect.search_document(), &mut path, &chain, comparison)
                }
            },
            Place::Meta => self.compare_meta(attr.name(), comparison),
            Place::Relation(apart, alias) => self.compare_row(apart, alias, attr.name(), comparison),
            Place::Object { json, path, attribute } => {
                let sub = attribute.sub(attr.name()).filter(|sub| is_plain(sub.name()))?;
                let mut path = path.clone();
                path.push(Step::Name(sub.name()));
                self.compare_values(json, &mut path, &[sub], comparison)
            }
            Place::Text(text) => self.test(text, comparison),
        }
    }

    /// Compares the values at a path, which are those of the first attribute; what follows it are its parts.
    fn compare_values<'p>(
        &mut self,
        json: &str,
        path: &mut Vec<Step<'p>>,
        chain: &[&'p Attribute],
        comparison: &ResolvedComparison,
    ) -> Option<String> {
        let (attribute, parts) = chain.split_first()?;
        let part = parts.first().map(|part| Step::Name(part.name()));
        if !attribute.is_multi_valued() {
            let Some(part) = part else {
                let text = self.dialect.text_member(json, path);
                return if comparison.attr.is_assumed_false() {
                    self.test(&format!("coalesce({text}, '{FALSE}')"), comparison)
                } else {
                    self.test(&text, comparison)
                };
            };
            path.push(part);
            return self.compare_values(json, path, parts, comparison);
        }
        if part.is_none() && comparison.attr.is_assumed_false() {
            // Not RFC 7643's: `primary` that has several values itself.
            return None;
        }
        let alias = self.alias("e");
        let elements = format!("{} WHERE TRUE", self.dialect.elements(json, path, &alias));
        let condition = match part {
            None => {
                let text = self.dialect.text_element(&alias);
                self.test(&text, comparison)?
            }
            Some(part) => {
                let element = self.dialect.element(&alias);
                self.compare_values(&element, &mut vec![part], parts, comparison)?
            }
        };
        // "ne" is about the attribute: it holds too if there is no value.
        Some(exists(&elements, &condition, comparison.op == CompareOp::Ne))
    }

    /// `sw` of an attribute that has an index: the resources with a key in a range. Keys are made by the schemas in force
    /// when a resource is written, as what [`Plan`](super::super::plan::Plan) looks up.
    fn range(
        &mut self,
        attr: &ResolvedAttr,
        sub: Option<&str>,
        comparison: &ResolvedComparison,
    ) -> Option<String> {
        let (CompareOp::Sw, TypedValue::String(value)) = (comparison.op, &comparison.value) else {
            return None;
        };
        let table = match filter_index(self.definition, attr.extension(), attr.name(), sub)? {
            Index::Unique => "unique_values",
            Index::Shared => "shared_values",
        };
        let table = format!("{}{table}", self.dialect.prefix());
        let attribute = self.dialect.key(path(attr.extension(), attr.name(), sub).as_ref())?;
        let (first, end) = (self.dialect.key(value.key())?, end_of_prefix(value.key())?);
        let (tenant, name) = (self.dialect.text_parameter(TENANT), self.dialect.text_parameter(TYPE));
        let attribute = self.text(attribute);
        let (first, end) = (self.text(first), self.text(end));
        let alias = self.alias("k");
        let value = self.dialect.by_code_points(&format!("{alias}.value"));
        Some(format!(
            "r.seq IN (SELECT {alias}.resource FROM {table} {alias} WHERE {alias}.tenant = {tenant} \
             AND {alias}.type = {name} AND {alias}.attribute = {attribute} AND {value} >= {first} AND {value} < {end})"
        ))
    }

    fn compare_meta(&mut self, sub: &str, comparison: &ResolvedComparison) -> Option<String> {
        let op = comparison.op;
        let column = match (sub, &comparison.value) {
            ("created", TypedValue::Instant(_)) => Column::Created,
            ("lastModified", TypedValue::Instant(_)) => Column::LastModified,
            ("version", TypedValue::String(tag)) if comparison.attr.case_rule() == CaseRule::Exact => {
                let version = Version::from_etag(tag.text()).filter(|version| version.etag() == tag.text());
                let operator = match op {
                    CompareOp::Eq => "=",
                    CompareOp::Ne => "<>",
                    _ => return None,
                };
                let Some(version) = version.and_then(|version| i64::try_from(version.number()).ok()) else {
                    return Some(constant(op == CompareOp::Ne));
                };
                let column = self.dialect.column(Column::Version);
                return Some(format!("{column} {operator} {}", self.integer(version)));
            }
            ("resourceType", _) => {
                return Some(constant(self.holds_of("meta", sub, self.definition.name(), comparison)));
            }
            _ => return None,
        };
        let TypedValue::Instant(instant) = &comparison.value else { return None };
        let instant = instant.instant();
        let millis = instant.timestamp_millis();
        // Times are kept in whole milliseconds; what is between two of them equals none.
        let is_whole = instant.timestamp_subsec_nanos() % 1_000_000 == 0;
        let operator = match (op, is_whole) {
            (CompareOp::Eq | CompareOp::Ne, false) => return Some(constant(op == CompareOp::Ne)),
            (CompareOp::Eq, true) => "=",
            (CompareOp::Ne, true) => "<>",
            (CompareOp::Gt, _) | (CompareOp::Ge, false) => ">",
            (CompareOp::Ge, true) => ">=",
            (CompareOp::Lt, true) => "<",
            (CompareOp::Le, _) | (CompareOp::Lt, false) => "<=",
            (CompareOp::Co | CompareOp::Sw | CompareOp::Ew, _) => return None,
        };
        let column = self.dialect.column(column);
        Some(format!("{column} {operator} {}", self.integer(millis)))
    }

    /// Compares what a relation shows of the resource with this alias.
    fn compare_row(
        &mut self,
        apart: &Apart<'_>,
        alias: &str,
        sub: &str,
        comparison: &ResolvedComparison,
    ) -> Option<String> {
        match sub {
            "value" => {
                let id = id_column(alias, comparison.attr.case_rule())?;
                self.test(&id, comparison)
            }
            "display" if comparison.attr.case_rule() == CaseRule::Exact => {
                if let TypedValue::String(value) = &comparison.value
                    && !self.dialect.compares_display(value.key())
                {
                    return None;
                }
                self.test(&format!("{alias}.display"), comparison)
            }
            "type" if apart.is_relation => {
                let registered = self.registry.types().iter().map(|known| known.name().to_owned());
                let mut names: Vec<String> = registered.collect();
                names.retain(|name| self.holds_of(apart.name, "type", name, comparison));
                if names.is_empty() {
                    return Some(constant(false));
                }
                let names: Vec<_> = names.into_iter().map(|name| self.text(name)).collect();
                Some(format!("{alias}.type IN ({})", names.join(", ")))
            }
            "type" => Some(constant(self.holds_of(apart.name, "type", "direct", comparison))),
            _ => None,
        }
    }

    /// Whether a comparison holds where this text is the value, whether it is about the whole resource or a value.
    fn holds_of(&self, name: &str, sub: &str, text: &str, comparison: &ResolvedComparison) -> bool {
        let value: Object = [(sub, text)].into_iter().collect();
        if comparison.attr.sub().is_none() {
            return comparison.matches(&Value::Object(value));
        }
        let mut resource = Object::new();
        resource.insert(name, value);
        comparison.matches(&Value::Object(resource))
    }

    /// Compares a text, which is the key of a value.
    fn test(&mut self, text: &str, comparison: &ResolvedComparison) -> Option<String> {
        let key = match &comparison.value {
            TypedValue::String(value) => value.key().to_owned(),
            TypedValue::Bool(value) => if *value { TRUE } else { FALSE }.to_owned(),
            TypedValue::Number(number) => number_key(number.as_str()).0,
            TypedValue::Instant(instant) => instant_key(instant.instant()),
            TypedValue::Binary(_) => return None,
        };
        if key.contains('\0') {
            return None;
        }
        let characters = key.chars().count();
        if comparison.op.is_substring() && characters == 0 {
            return Some(format!("{text} IS NOT NULL"));
        }
        let key = self.text(key);
        let ordered = |operator: &str| format!("{} {operator} {key}", self.dialect.by_code_points(text));
        Some(match comparison.op {
            CompareOp::Eq => format!("{text} = {key}"),
            CompareOp::Ne => format!("{text} IS DISTINCT FROM {key}"),
            CompareOp::Co => self.dialect.contains(text, &key),
            CompareOp::Sw => format!("substr({text}, 1, {characters}) = {key}"),
            CompareOp::Ew => self.dialect.ends_with(text, &key, characters),
            CompareOp::Gt => ordered(">"),
            CompareOp::Ge => ordered(">="),
            CompareOp::Lt => ordered("<"),
            CompareOp::Le => ordered("<="),
        })
    }

    fn present(&mut self, attr: &ResolvedAttr, place: &Place<'_>) -> Option<String> {
        match place {
            Place::Resource => match self.home(attr) {
                // Every resource has an id and a whole meta.
                Home::Id | Home::Meta => Some(constant(true)),
                Home::Apart(apart) => {
                    let (rows, alias) = self.rows(&apart);
                    let condition = present_row(&alias, attr.sub())?;
                    Some(exists(&rows, &condition, false))
                }
                Home::Document => {
                    let (mut path, chain) = find(self.definition, attr)?;
                    self.values_present(self.dialect.search_document(), &mut path, &chain)
                }
            },
            Place::Meta => Some(constant(true)),
            Place::Relation(_, alias) => present_row(alias, Some(attr.name())),
            Place::Object { json, path, attribute } => {
                let sub = attribute.sub(attr.name()).filter(|sub| is_plain(sub.name()))?;
                let mut path = path.clone();
                path.push(Step::Name(sub.name()));
                self.values_present(json, &mut path, &[sub])
            }
            Place::Text(text) => Some(format!("{text} <> ''")),
        }
    }

    fn values_present<'p>(
        &mut self,
        json: &str,
        path: &mut Vec<Step<'p>>,
        chain: &[&'p Attribute],
    ) -> Option<String> {
        let (attribute, parts) = chain.split_first()?;
        let part = parts.first().map(|part| Step::Name(part.name()));
        if !attribute.is_multi_valued() {
            if let Some(part) = part {
                path.push(part);
                return self.values_present(json, path, parts);
            }
            if !attribute.is_complex() {
                return Some(format!("{} <> ''", self.dialect.text_member(json, path)));
            }
            let is_there = self.dialect.has_member(json, path);
            path.push(Step::Name(EMPTY));
            return Some(format!("({is_there} AND {} IS NULL)", self.dialect.text_member(json, path)));
        }
        let alias = self.alias("e");
        let elements = format!("{} WHERE TRUE", self.dialect.elements(json, path, &alias));
        let element = self.dialect.element(&alias);
        let condition = match part {
            Some(part) => self.values_present(&element, &mut vec![part], parts)?,
            None if attribute.is_complex() => {
                format!("{} IS NULL", self.dialect.text_member(&element, &[Step::Name(EMPTY)]))
            }
            None => format!("{} <> ''", self.dialect.text_element(&alias)),
        };
        Some(exists(&elements, &condition, false))
    }

    fn value_path(
        &mut self,
        attr: &ResolvedAttr,
        filter: &ResolvedFilter,
        place: &Place<'_>,
    ) -> Option<Lowered> {
        // Brackets do not nest.
        let Place::Resource = place else { return None };
        match self.home(attr) {
            Home::Id => None,
            Home::Meta if attr.sub().is_none() => self.term(filter, &Place::Meta, false),
            Home::Meta => None,
            Home::Apart(apart) if attr.sub().is_none() => {
                let (rows, alias) = self.rows(&apart);
                let inner = self.term(filter, &Place::Relation(&apart, alias), false);
                Some(some_of(&rows, inner))
            }
            Home::Apart(_) => None,
            Home::Document => {
                let (mut path, chain) = find(self.definition, attr)?;
                // An index finds the resources of which it is one value that does.
                let range = filter.conjuncts().into_iter().find_map(|term| match term {
                    ResolvedFilter::Compare(comparison) if attr.sub().is_none() => {
                        self.range(attr, Some(comparison.attr.name()), comparison)
                    }
                    _ => None,
                });
                let mut lowered =
                    self.some_value(self.dialect.search_document(), &mut path, &chain, filter)?;
                if let Some(range) = range {
                    lowered.condition = format!("({range} AND {})", lowered.condition);
                }
                Some(lowered)
            }
        }
    }

    /// One of the values at a path meets a filter.
    fn some_value<'p>(
        &mut self,
        json: &str,
        path: &mut Vec<Step<'p>>,
        chain: &[&'p Attribute],
        filter: &ResolvedFilter,
    ) -> Option<Lowered> {
        let (attribute, parts) = chain.split_first()?;
        let part = parts.first().map(|part| Step::Name(part.name()));
        if attribute.is_multi_valued() {
            let alias = self.alias("e");
            let elements = format!("{} WHERE TRUE", self.dialect.elements(json, path, &alias));
            let element = self.dialect.element(&alias);
            let inner = match part {
                Some(part) => self.some_value(&element, &mut vec![part], parts, filter),
                None if attribute.is_complex() => {
                    self.term(filter, &Place::Object { json: element, path: Vec::new(), attribute }, false)
                }
                None => self.term(filter, &Place::Text(self.dialect.text_element(&alias)), false),
            };
            return Some(some_of(&elements, inner));
        }
        if let Some(part) = part {
            path.push(part);
            return self.some_value(json, path, parts, filter);
        }
        let (is_there, inner) = if attribute.is_complex() {
            let place = Place::Object { json: json.to_owned(), path: path.clone(), attribute };
            (self.dialect.has_member(json, path), self.term(filter, &place, false))
        } else {
            let text = self.dialect.text_member(json, path);
            (format!("{text} IS NOT NULL"), self.term(filter, &Place::Text(text), false))
        };
        Some(match inner {
            Some(Lowered { condition, exact }) => {
                Lowered { condition: format!("({is_there} AND {condition})"), exact }
            }
            None => Lowered { condition: is_there, exact: false },
        })
    }

    /// The rows of an attribute that is kept apart, as far as the `WHERE` that ends what is in brackets after `EXISTS`,
    /// and the alias of the resource at the other end.
    fn rows(&mut self, apart: &Apart<'_>) -> (String, String) {
        let (values, other, prefix) = (self.alias("v"), self.alias("m"), self.dialect.prefix());
        let of_tenant = format!("{}{}", self.dialect.of_tenant(&values), self.dialect.of_tenant(&other));
        let rows = if apart.is_relation {
            let name = self.text(apart.name.to_owned());
            format!(
                "{prefix}relations {values} JOIN {prefix}resources {other} ON {other}.seq = {values}.target \
                 WHERE {values}.source = r.seq{of_tenant} AND {values}.attribute = {name}"
            )
        } else {
            let derived = self.definition.derived().iter();
            let sources: Vec<_> = derived
                .filter(|derived| *derived.attribute == *apart.name)
                .map(|derived| {
                    let source = self.text(derived.source.as_ref().to_owned());
                    let relation = self.text(derived.relation.as_ref().to_owned());
                    format!("({values}.attribute = {relation} AND {other}.type = {source})")
                })
                .collect();
            format!(
                "{prefix}relations {values} JOIN {prefix}resources {other} ON {other}.seq = {values}.source \
                 WHERE {values}.target = r.seq{of_tenant} AND ({})",
                sources.join(" OR ")
            )
        };
        (rows, other)
    }

    /// Where an attribute of a resource is kept.
    fn home(&self, attr: &ResolvedAttr) -> Home<'a> {
        if attr.extension().is_some() {
            return Home::Document;
        }
        match attr.name() {
            "id" => Home::Id,
            "meta" => Home::Meta,
            name => {
                let same = |known: &str| known.eq_ignore_ascii_case(name);
                let relation = self.definition.relation(name);
                let derived = self.definition.derived().iter().find(|derived| same(&derived.attribute));
                match (relation, derived) {
                    (Some(relation), _) => {
                        Home::Apart(Apart { name: &relation.attribute, is_relation: true })
                    }
                    (None, Some(derived)) => {
                        Home::Apart(Apart { name: &derived.attribute, is_relation: false })
                    }
                    (None, None) => Home::Document,
                }
            }
        }
    }

    fn alias(&mut self, letter: &str) -> String {
        self.aliases = self.aliases.saturating_add(1);
        format!("{letter}{}", self.aliases)
    }

    fn text(&mut self, text: String) -> String {
        self.parameters.push(Parameter::Text(text));
        self.dialect.text_parameter(self.parameters.len())
    }

    fn integer(&mut self, number: i64) -> String {
        self.parameters.push(Parameter::Integer(number));
        self.dialect.integer_parameter(self.parameters.len())
    }
}

/// The least text, by code points, that comes after all that begin with this one, which is not empty; `None` if there is
/// none.
pub(super) fn end_of_prefix(prefix: &str) -> Option<String> {
    let last = prefix.trim_end_matches(char::MAX);
    let (before, next) = (last.strip_suffix(|_: char| true)?, last.chars().next_back()?);
    let next = (next..=char::MAX).nth(1)?;
    Some(format!("{before}{next}"))
}

/// Where an attribute is kept.
enum Home<'a> {
    /// It is the id.
    Id,
    /// It is `meta`, which is made of columns.
    Meta,
    /// Its values are rows.
    Apart(Apart<'a>),
    /// In the search document.
    Document,
}

/// Where in a search document an attribute is, and the attribute and its part; `None` if it is not there, or its name
/// is one that might not stay in its quotes.
pub(super) fn find<'d>(
    definition: &'d TypeDefinition,
    attr: &ResolvedAttr,
) -> Option<(Vec<Step<'d>>, Vec<&'d Attribute>)> {
    let mut path = Vec::with_capacity(4);
    let attribute = match attr.extension() {
        None => definition.attribute(attr.name())?,
        Some(uri) => {
            let extension = definition.extension(uri)?;
            path.push(Step::Name(extension.schema.id().as_str()));
            extension.schema.attribute(attr.name())?
        }
    };
    path.push(Step::Name(attribute.name()));
    let mut chain = vec![attribute];
    if let Some(sub) = attr.sub() {
        chain.push(attribute.sub(sub).filter(|sub| !sub.is_complex() && is_plain(sub.name()))?);
    }
    path.iter().all(|step| matches!(step, Step::Name(name) if is_plain(name))).then_some((path, chain))
}

/// The column of an id under a case rule.
pub(super) fn id_column(alias: &str, rule: CaseRule) -> Option<String> {
    match rule {
        CaseRule::Exact => Some(format!("{alias}.id")),
        CaseRule::Fold => Some(format!("coalesce({alias}.folded_id, {alias}.id)")),
        CaseRule::UserName => None,
    }
}

/// Whether attributes of this type have their values in search documents.
pub(super) fn is_kept(data_type: DataType) -> bool {
    !matches!(data_type, DataType::Binary | DataType::Complex)
}

/// Whether a name says the same inside any quotes.
fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\' | b'`'))
}

fn present_row(alias: &str, sub: Option<&str>) -> Option<String> {
    match sub {
        None | Some("value" | "type") => Some(constant(true)),
        Some("display") => Some(format!("{alias}.display <> ''")),
        Some(_) => None,
    }
}

/// There is a row that fulfils a condition, or, if that does, no row at all.
fn exists(rows: &str, condition: &str, or_none: bool) -> String {
    let some = format!("EXISTS (SELECT 1 FROM {rows} AND {condition})");
    if or_none { format!("(NOT EXISTS (SELECT 1 FROM {rows}) OR {some})") } else { some }
}

/// There is a row that fulfils a condition, if there is one.
fn some_of(rows: &str, inner: Option<Lowered>) -> Lowered {
    match inner {
        Some(Lowered { condition, exact }) => Lowered { condition: exists(rows, &condition, false), exact },
        None => Lowered { condition: format!("EXISTS (SELECT 1 FROM {rows})"), exact: false },
    }
}

/// A condition for just what matches, or for just what does not: what has no value does not match.
fn exact(condition: Option<String>, negated: bool) -> Option<Lowered> {
    let condition = condition?;
    let condition = if negated { format!("({condition}) IS NOT TRUE") } else { condition };
    Some(Lowered { condition, exact: true })
}

fn constant(value: bool) -> String {
    if value { "TRUE" } else { "FALSE" }.to_owned()
}
