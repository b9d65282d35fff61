//! A person as SCIM describes them, and as the account does.

use scim_core::{Object, Resource, ScimError, ScimType, TypeDefinition, Value, excerpt};
use scim_server::store::StoreError;

use super::error::refusal;
use super::store::Change;
use crate::account::{
    Account, AccountError, NewPerson, Person, PersonId, check_email, check_name, is_same_email,
};
use crate::text;

/// What a SCIM user that is to be created asks of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) email: String,
    /// `None` where nothing that was sent is a name: the account's own stays.
    pub(super) name: Option<String>,
    pub(super) active: bool,
    pub(super) language: Option<String>,
}

impl Wanted {
    /// The address is `userName`, as with the original product; where that is no address, the primary one of
    /// `emails`, else the first; else `userName` at `domain`, if there is one. The name is `displayName`, else
    /// `name`.
    pub(super) fn of(user: &Resource, domain: Option<&str>) -> Result<Self, StoreError> {
        let Some(email) = email_of(user, domain) else {
            let detail = format!(
                "the userName `{}` is no e-mail address and `emails` has none either; 1Password knows people by \
                 their e-mail address",
                excerpt(user.text("userName").unwrap_or_default())
            );
            return Err(StoreError::Refused(ScimError::new(400, detail).with_type(ScimType::InvalidValue)));
        };
        let name = name_of(user);
        check_address(user, &email)?;
        if let Some(name) = &name {
            check_full_name(user, name)?;
        }
        Ok(Self {
            email,
            name,
            active: user.get(None, "active").and_then(Value::as_bool).unwrap_or(true),
            language: user.text("preferredLanguage").and_then(language),
        })
    }

    /// Somebody new needs a name: without one, it is what stands before the `@`.
    pub(super) fn new_person(&self) -> NewPerson {
        let local = || self.email.split('@').next().unwrap_or(&self.email).to_owned();
        let person = NewPerson::new(self.email.as_str(), self.name.clone().unwrap_or_else(local));
        match &self.language {
            Some(language) => person.with_language(language.as_str()),
            None => person,
        }
    }

    /// All of it is asked for.
    pub(super) fn all(&self) -> Asked {
        Asked {
            email: Some(self.email.clone()),
            name: self.name.clone(),
            active: Some(self.active),
            lenient: Parts::ALL,
            follow: false,
            refused: Parts::default(),
        }
    }
}

/// What is to be brought into line in the account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) email: Option<String>,
    pub(super) name: Option<String>,
    /// `None` where neither is asked for.
    pub(super) active: Option<bool>,
    /// Where a protected person (an owner) may differ: there the account's own value stays, and nothing is refused. A
    /// value that the identity provider has read here asks for nothing, an adoption asks for no change, and a suspension
    /// is not to be stopped.
    pub(super) lenient: Parts,
    /// The user says something that is not asked for: the view must follow the account.
    pub(super) follow: bool,
    /// What no account takes of a user who is to be suspended, so that the view keeps what it had.
    pub(super) refused: Parts,
}

/// The address, the name, or both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) email: bool,
    pub(super) name: bool,
}

impl Parts {
    pub(super) const ALL: Self = Self { email: true, name: true };

    pub(super) fn is_any(self) -> bool {
        self.email || self.name
    }

    /// Puts back into `after` what stays as it was: the identity provider finds the user as before.
    pub(super) fn restore(self, had: &Resource, after: &mut Resource) {
        let email = ["userName", "emails"].into_iter().filter(|_| self.email);
        let name = ["displayName", "name"].into_iter().filter(|_| self.name);
        for attribute in email.chain(name) {
            match had.get(None, attribute) {
                Some(value) => drop(after.attributes_mut().insert(attribute, value.clone())),
                None => drop(after.attributes_mut().remove(attribute)),
            }
        }
    }
}

impl Asked {
    /// What a change of somebody whom the account has asks for: what it says, and what follows from that. The rest may
    /// have been changed in the account since, which is not this change's business.
    ///
    /// Whoever is to be suspended keeps an address and a name that no account takes, and everybody keeps their address
    /// where none is given any more.
    pub(super) fn of(
        change: &Change,
        had: &Resource,
        after: &Resource,
        person: &Person,
        domain: Option<&str>,
    ) -> Result<Self, StoreError> {
        let active = change.says_active(after);
        let suspends = active == Some(false);
        let present = person.address();
        let (had_email, had_name) = (email_of(had, domain), name_of(had));
        let given = explicit_email(after).map(str::to_owned).or_else(|| {
            // Only who has got their address from their user name gets the next one from there.
            let is_completed = explicit_email(had).is_none()
                && had_email.as_deref().is_some_and(|had| is_same_email(had, present));
            completed(after, domain).filter(|_| is_completed)
        });
        let lenient = Parts {
            email: suspends || (given.is_some() && had_email == given),
            name: suspends || had_name == name_of(after),
        };
        let follow = given.is_none()
            && !change.takes_away("emails")
            && had_email.is_some_and(|had| is_same_email(&had, present));
        let touches_email = change.touches("userName") || change.touches("emails");
        let mut email = given.filter(|given| touches_email && !is_same_email(given, present));
        let touches_name = change.touches("displayName") || change.touches("name");
        let mut name = name_of(after).filter(|name| touches_name && *name != person.name);
        let checked = [
            email.as_ref().map(|email| check_address(after, email)),
            name.as_ref().map(|name| check_full_name(after, name)),
        ];
        let [bad_email, bad_name] = checked.map(|checked| checked.and_then(Result::err));
        let refused = Parts { email: bad_email.is_some(), name: bad_name.is_some() };
        if let Some(error) = bad_email.or(bad_name).filter(|_| !suspends) {
            return Err(error);
        }
        email = email.filter(|_| !refused.email);
        name = name.filter(|_| !refused.name);
        Ok(Self { email, name, active, lenient, follow, refused })
    }
}

fn email_of(user: &Resource, domain: Option<&str>) -> Option<String> {
    explicit_email(user).map(str::to_owned).or_else(|| completed(user, domain))
}

/// The address that a user says.
fn explicit_email(user: &Resource) -> Option<&str> {
    user.text("userName").filter(|user_name| is_address(user_name)).or_else(|| preferred_email(user))
}

/// The address that a user name at the domain is, where it is none itself.
fn completed(user: &Resource, domain: Option<&str>) -> Option<String> {
    let user_name = user.text("userName").unwrap_or_default();
    domain.filter(|_| !is_address(user_name)).map(|domain| format!("{user_name}@{domain}"))
}

fn check_address(user: &Resource, email: &str) -> Result<(), StoreError> {
    check_email(email).map_err(|error| invalid(address_attribute(user), email, &error))
}

fn check_full_name(user: &Resource, name: &str) -> Result<(), StoreError> {
    check_name("name", name).map_err(|error| invalid(name_attribute(user), name, &error))
}

/// Where the address stands.
fn address_attribute(user: &Resource) -> &'static str {
    let is_user_name = user.text("userName").is_some_and(is_address);
    if is_user_name || preferred_email(user).is_none() { "userName" } else { "emails" }
}

/// Where the name stands.
fn name_attribute(user: &Resource) -> &'static str {
    let is_display = user.text("displayName").is_some_and(|name| !name.trim().is_empty());
    if is_display { "displayName" } else { "name" }
}

/// An attribute has a value that no account takes.
pub(super) fn invalid(attribute: &str, value: &str, error: &AccountError) -> StoreError {
    let refused = ScimError::new(400, format!("`{attribute}`: {error}, got {}", text::quote(value)));
    StoreError::Refused(refused.with_type(ScimType::InvalidValue))
}

fn name_of(user: &Resource) -> Option<String> {
    let display = user.text("displayName").filter(|name| !name.trim().is_empty());
    display.map(str::to_owned).or_else(|| full_name(user))
}

fn is_address(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

/// The `type` of the entry that shows an address which the identity provider does not give: it loses to any other.
const FROM_ACCOUNT: &str = "1password";

fn is_from_account(email: &Value) -> bool {
    email.as_object().and_then(|email| email.get("type")).and_then(Value::as_str) == Some(FROM_ACCOUNT)
}

fn emails(user: &Resource) -> impl Iterator<Item = &Value> {
    user.get(None, "emails").and_then(Value::as_array).into_iter().flatten()
}

fn address_in(email: &Value) -> Option<&str> {
    email.as_object()?.get("value")?.as_str().filter(|text| is_address(text))
}

fn preferred_email(user: &Resource) -> Option<&str> {
    given_email(user).or_else(|| emails(user).find(|email| is_from_account(email)).and_then(address_in))
}

/// The primary one of the entries that the identity provider gives, else the first.
fn given_email(user: &Resource) -> Option<&str> {
    let is_primary =
        |email: &&Value| email.as_object().is_some_and(|o| o.get("primary") == Some(&Value::Bool(true)));
    let given = || emails(user).filter(|email| !is_from_account(email));
    given().find(is_primary).or_else(|| given().next()).and_then(address_in)
}

/// Takes the entry out that shows the account's address, once the identity provider gives one.
pub(super) fn forget_from_account(user: &mut Resource) {
    let is_given = user.text("userName").is_some_and(is_address) || given_email(user).is_some();
    if is_given && emails(user).any(is_from_account) {
        let given: Vec<Value> = emails(user).filter(|email| !is_from_account(email)).cloned().collect();
        user.attributes_mut().insert("emails", given);
    }
}

fn full_name(user: &Resource) -> Option<String> {
    let name = user.get(None, "name")?.as_object()?;
    let part =
        |key: &str| name.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    if let Some(formatted) = part("formatted") {
        return Some(formatted.to_owned());
    }
    let parts: Vec<&str> = ["givenName", "familyName"].iter().filter_map(|key| part(key)).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// The first language of an Accept-Language list, if it is a plain tag; the account takes no other.
fn language(text: &str) -> Option<String> {
    let tag = text.split([',', ';']).next()?.trim();
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (!tag.is_empty() && tag.len() <= 35 && tag.chars().all(legal)).then(|| tag.to_owned())
}

/// A user made from a person whom only the account knows: after the bridge's own store was lost, or a crash between
/// the two.
pub(super) fn recovered(definition: &TypeDefinition, person: &Person) -> Resource {
    let email = person.address();
    let mut attributes = Object::new();
    attributes.insert("schemas", Vec::<Value>::new());
    attributes.insert("userName", email);
    attributes.insert("displayName", person.name.as_str());
    attributes.insert("active", person.state.is_active_for_scim());
    attributes.insert("emails", vec![primary(email)]);
    let mut user = Resource::from_attributes(attributes);
    user.stamp_schemas(definition);
    user
}

/// The user as the account has the person, where the two differ: each value stands where the user has it.
pub(super) fn followed(user: &Resource, person: &Person, domain: Option<&str>) -> Option<Resource> {
    let mut after = user.clone();
    let address = person.address();
    let shown = email_of(user, domain);
    if shown.as_ref().is_none_or(|shown| !is_same_email(shown, address)) {
        follow_address(&mut after, shown.as_deref(), address, &person.id);
    }
    if name_of(user).is_some_and(|name| name != person.name) {
        follow_name(&mut after, &person.name);
    }
    after.attributes_mut().insert("active", person.state.is_active_for_scim());
    (after != *user).then_some(after)
}

fn follow_address(user: &mut Resource, shown: Option<&str>, address: &str, id: &PersonId) {
    let user_name = user.text("userName").unwrap_or_default();
    // An id stands there for a moment while two people exchange their addresses.
    let is_user_name = is_address(user_name) || user_name.is_empty() || user_name == id.as_str();
    let mut emails: Vec<Value> =
        user.get(None, "emails").and_then(Value::as_array).map(<[Value]>::to_vec).unwrap_or_default();
    let old = shown.unwrap_or_default();
    let mut found = false;
    for email in emails.iter_mut().filter_map(Value::as_object_mut) {
        if email.get("value").and_then(Value::as_str).is_some_and(|value| is_same_email(value, old)) {
            email.insert("value", address);
            found = true;
        }
    }
    if is_user_name {
        user.attributes_mut().insert("userName", address);
    } else if !found {
        emails.retain(|email| !is_from_account(email));
        let shown = [("value", Value::from(address)), ("type", Value::from(FROM_ACCOUNT))];
        emails.push(Value::Object(shown.into_iter().collect()));
    }
    if !emails.is_empty() {
        user.attributes_mut().insert("emails", emails);
    }
}

/// In parts as the original product does it: what stands before the first blank is the given name.
fn follow_name(user: &mut Resource, name: &str) {
    if user.text("displayName").is_some_and(|display| !display.trim().is_empty()) {
        user.attributes_mut().insert("displayName", name);
        return;
    }
    let Some(parts) = user.attributes_mut().get_mut("name").and_then(Value::as_object_mut) else { return };
    if parts.contains("formatted") {
        parts.insert("formatted", name);
    }
    let (given, family) = name.split_once(' ').unwrap_or((name, ""));
    if parts.contains("givenName") || parts.contains("familyName") {
        parts.insert("givenName", given);
        parts.remove("familyName");
        if !family.is_empty() {
            parts.insert("familyName", family);
        }
    }
}

fn primary(address: &str) -> Value {
    let email = [("value", Value::from(address)), ("primary", Value::Bool(true))];
    Value::Object(email.into_iter().collect())
}

/// What was done in the account and can be taken back.
#[derive(Debug, Default)]
pub(super) struct Undo {
    steps: Vec<Step>,
    /// The person is suspended, as was asked, and stays so.
    pub(super) suspended: bool,
}

#[derive(Debug)]
enum Step {
    Email(String),
    Name(String),
    Suspend,
    Unmanage,
}

/// Brings a person in the account into line with what is asked for, and notes in `undo` how to take that back. What
/// of it they keep as it was.
///
/// A suspension comes first, is never taken back, and happens whatever else is refused: a leaver must not keep access
/// because of their name. Otherwise what is refused most likely comes first.
pub(super) async fn bring_into_line(
    account: &dyn Account,
    person: &Person,
    asked: &Asked,
    undo: &mut Undo,
) -> Result<Parts, StoreError> {
    let mut kept = asked.refused;
    let id = &person.id;
    let was = person.state.is_active_for_scim();
    let suspends = asked.active == Some(false);
    if suspends {
        if was {
            account.suspend(id).await.map_err(refusal)?;
        }
        undo.suspended = true;
    }
    let keeps = |error: &AccountError, lenient: bool| match error {
        AccountError::Protected { .. } => lenient,
        error => suspends && !error.is_transient(),
    };
    if let Some(email) = &asked.email
        && !is_same_email(person.address(), email)
    {
        match account.change_email(id, email).await {
            Err(error) if keeps(&error, asked.lenient.email) => kept.email = true,
            Err(AccountError::EmailTaken(email)) => return Err(address_taken(account, email).await),
            done => undo.note(done, Step::Email(person.address().to_owned()))?,
        }
    }
    if asked.active == Some(true) && !was {
        undo.note(account.reactivate(id).await, Step::Suspend)?;
    }
    if let Some(name) = &asked.name
        && person.name != *name
    {
        match account.rename(id, name).await {
            Err(error) if keeps(&error, asked.lenient.name) => kept.name = true,
            done => undo.note(done, Step::Name(person.name.clone()))?,
        }
    }
    Ok(kept)
}

/// Who has the address may be nobody that the identity provider sees: then it reads what to do about them.
async fn address_taken(account: &dyn Account, email: String) -> StoreError {
    match account.person_by_email(&email).await {
        Ok(Some(holder)) if holder.managed != Some(true) => {
            let suspended = if holder.state.is_active_for_scim() { "" } else { " and who is suspended" };
            let detail = format!(
                "the e-mail address {} belongs to a person in the account whom the identity provider does not \
                 manage{suspended}: create a user with this address to manage that person, or give them another \
                 address in 1Password",
                text::quote(&email)
            );
            StoreError::Refused(ScimError::new(409, detail).with_type(ScimType::Uniqueness))
        }
        _ => refusal(AccountError::EmailTaken(email)),
    }
}

impl Undo {
    /// An account that did not answer may have done it all the same.
    fn note(&mut self, done: Result<Person, AccountError>, back: Step) -> Result<(), StoreError> {
        if matches!(done, Ok(_) | Err(AccountError::Unavailable { .. })) {
            self.steps.push(back);
        }
        done.map(|_| ()).map_err(refusal)
    }

    /// The identity provider manages them from now on, unless all is taken back.
    pub(super) fn note_managed(&mut self, done: Result<Person, AccountError>) -> Result<(), StoreError> {
        self.note(done, Step::Unmanage)
    }

    /// Takes everything back, the last step first. What cannot be taken back is left to the reconciler.
    pub(super) async fn run(self, account: &dyn Account, id: &PersonId) {
        for step in self.steps.into_iter().rev() {
            let undone = match &step {
                Step::Email(email) => account.change_email(id, email).await,
                Step::Name(name) => account.rename(id, name).await,
                Step::Suspend => account.suspend(id).await,
                Step::Unmanage => account.set_person_managed(id, false).await,
            };
            if let Err(error) = undone {
                tracing::warn!(person = %id, error = %error, "a change in the account could not be taken back");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted_in(json: &str, domain: Option<&str>) -> Result<Wanted, String> {
        let Value::Object(object) = Value::from_slice(json.as_bytes()).unwrap() else { panic!("an object") };
        Wanted::of(&Resource::from_attributes(object), domain).map_err(|error| error.to_string())
    }

    fn wanted(json: &str) -> Result<Wanted, String> {
        wanted_in(json, None)
    }

    #[test]
    fn the_address_is_the_user_name_else_the_preferred_email() {
        for (json, email) in [
            (r#"{"userName":"a@x.org","emails":[{"value":"b@x.org","primary":true}]}"#, "a@x.org"),
            (
                r#"{"userName":"anna","emails":[{"value":"c@x.org"},{"value":"b@x.org","primary":true}]}"#,
                "b@x.org",
            ),
            (r#"{"userName":"anna","emails":[{"value":"c@x.org"},{"value":"d@x.org"}]}"#, "c@x.org"),
        ] {
            assert_eq!(wanted(json).unwrap().email, email);
        }
        assert_eq!(wanted_in(r#"{"userName":"anna"}"#, Some("x.org")).unwrap().email, "anna@x.org");
        assert_eq!(wanted_in(r#"{"userName":"a@y.org"}"#, Some("x.org")).unwrap().email, "a@y.org");
        for user_name in ["anna@", "@anna", "anna@@", "an,na"] {
            let refused = wanted_in(&format!(r#"{{"userName":"{user_name}"}}"#), Some("x.org")).unwrap_err();
            assert!(refused.starts_with("`userName`: the account cannot take"), "{refused}");
            assert!(refused.ends_with(&format!("got `{user_name}@x.org`")), "{refused}");
        }
        let refused = wanted(r#"{"userName":"anna"}"#).unwrap_err();
        assert!(refused.contains("`anna` is no e-mail address"), "{refused}");
    }

    #[test]
    fn what_no_account_takes_is_refused_where_it_stands() {
        for (json, sentence) in [
            (
                r#"{"userName":"a b@x.org"}"#,
                "`userName`: the account cannot take this e-mail address: it has white",
            ),
            (
                r#"{"userName":"x@@y"}"#,
                "`userName`: the account cannot take this e-mail address: it has more than one `@`, got `x@@y`",
            ),
            (
                r#"{"userName":"x","emails":[{"value":"mailto:x@y.z"}]}"#,
                "`emails`: the account cannot take this e-mail address: it has a character before the `@` that no address has there unless in double quotes, got `mailto:x@y.z`",
            ),
            (
                r#"{"userName":"a","emails":[{"value":"a b@x.org"}]}"#,
                "`emails`: the account cannot take this e-mail",
            ),
            (
                r#"{"userName":"a@x","displayName":"A\nB"}"#,
                "`displayName`: the account cannot take this name: it has",
            ),
            (
                r#"{"userName":"a@x","name":{"givenName":"A\u0007"}}"#,
                "`name`: the account cannot take this name",
            ),
        ] {
            let refused = wanted(json).unwrap_err();
            assert!(refused.starts_with(sentence), "{refused}");
        }
    }

    #[test]
    fn the_name_is_the_most_explicit_one() {
        for (json, name) in [
            (r#"{"userName":"a@x","displayName":"D","name":{"formatted":"F"}}"#, "D"),
            (r#"{"userName":"a@x","displayName":" ","name":{"formatted":"F","givenName":"G"}}"#, "F"),
            (r#"{"userName":"a@x","name":{"givenName":"G","familyName":"H"}}"#, "G H"),
            (r#"{"userName":"a.b@x"}"#, "a.b"),
        ] {
            assert_eq!(wanted(json).unwrap().new_person().name, name);
        }
        assert_eq!(wanted(r#"{"userName":"a.b@x"}"#).unwrap().name, None);
    }

    #[test]
    fn a_person_is_wanted_active_unless_it_says_no() {
        assert!(wanted(r#"{"userName":"a@x"}"#).unwrap().active);
        assert!(!wanted(r#"{"userName":"a@x","active":false}"#).unwrap().active);
        assert_eq!(
            wanted(r#"{"userName":"a@x","preferredLanguage":"de-CH, en;q=0.8"}"#)
                .unwrap()
                .language
                .as_deref(),
            Some("de-CH")
        );
    }
}
