//! A person as SCIM describes them, and as the account does.

use scim_core::{Object, Resource, ScimError, ScimType, TypeDefinition, Value, excerpt};
use scim_server::store::StoreError;

use super::error::refusal;
use crate::account::{Account, NewPerson, Person, PersonId};

/// What a SCIM user asks of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) email: String,
    pub(super) name: String,
    pub(super) active: bool,
    pub(super) language: Option<String>,
}

impl Wanted {
    /// The address is `userName`, as with the original product; where that is no address, the primary one of
    /// `emails`, else the first; else `userName` at `domain`, if there is one. The name is `displayName`, else `name`, else what stands before the `@`.
    pub(super) fn of(user: &Resource, domain: Option<&str>) -> Result<Self, StoreError> {
        let user_name = user.text("userName").unwrap_or_default();
        let email = if is_address(user_name) { Some(user_name) } else { preferred_email(user) };
        let completed = || domain.map(|domain| format!("{user_name}@{domain}"));
        let email = email.map(str::to_owned).or_else(completed);
        let Some(email) = email else {
            let detail = format!(
                "the userName `{}` is no e-mail address and `emails` has none either; 1Password knows people by \
                 their e-mail address",
                excerpt(user_name)
            );
            return Err(StoreError::Refused(ScimError::new(400, detail).with_type(ScimType::InvalidValue)));
        };
        let name = user
            .text("displayName")
            .map(str::to_owned)
            .filter(|name| !name.trim().is_empty())
            .or_else(|| full_name(user))
            .unwrap_or_else(|| email.split('@').next().unwrap_or(&email).to_owned());
        Ok(Self {
            email,
            name,
            active: user.get(None, "active").and_then(Value::as_bool).unwrap_or(true),
            language: user.text("preferredLanguage").and_then(language),
        })
    }

    pub(super) fn new_person(&self) -> NewPerson {
        let person = NewPerson::new(self.email.as_str(), self.name.as_str());
        match &self.language {
            Some(language) => person.with_language(language.as_str()),
            None => person,
        }
    }
}

fn is_address(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

fn preferred_email(user: &Resource) -> Option<&str> {
    let emails = user.get(None, "emails")?.as_array()?;
    let value =
        |email: &&Value| email.as_object().is_some_and(|o| o.get("primary") == Some(&Value::Bool(true)));
    let chosen = emails.iter().find(value).or_else(|| emails.first())?;
    chosen.as_object()?.get("value")?.as_str().filter(|text| is_address(text))
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
    let email = person.pending_email.as_deref().unwrap_or(&person.email);
    let mut attributes = Object::new();
    attributes.insert("schemas", Vec::<Value>::new());
    attributes.insert("userName", email);
    attributes.insert("displayName", person.name.as_str());
    attributes.insert("active", person.state.is_active_for_scim());
    let address: Object =
        [("value", Value::from(email)), ("primary", Value::Bool(true))].into_iter().collect();
    attributes.insert("emails", vec![Value::Object(address)]);
    let mut user = Resource::from_attributes(attributes);
    user.stamp_schemas(definition);
    user
}

/// What was done in the account and can be taken back.
#[derive(Debug, Default)]
pub(super) struct Undo(Vec<Step>);

#[derive(Debug)]
enum Step {
    Email(String),
    Name(String),
    Active(bool),
}

/// Brings a person in the account into line with what is wanted.
///
/// What is refused most likely comes first. If a step is refused, those before it are taken back.
pub(super) async fn bring_into_line(
    account: &dyn Account,
    person: &Person,
    wanted: &Wanted,
) -> Result<Undo, StoreError> {
    let mut undo = Undo::default();
    match try_all(account, person, wanted, &mut undo).await {
        Ok(()) => Ok(undo),
        Err(error) => {
            undo.run(account, &person.id).await;
            Err(error)
        }
    }
}

async fn try_all(
    account: &dyn Account,
    person: &Person,
    wanted: &Wanted,
    undo: &mut Undo,
) -> Result<(), StoreError> {
    let id = &person.id;
    let address = person.pending_email.as_deref().unwrap_or(&person.email);
    if address.to_lowercase() != wanted.email.to_lowercase() {
        account.change_email(id, &wanted.email).await.map_err(refusal)?;
        undo.0.push(Step::Email(address.to_owned()));
    }
    let active = person.state.is_active_for_scim();
    if active != wanted.active {
        set_active(account, id, wanted.active).await.map_err(refusal)?;
        undo.0.push(Step::Active(active));
    }
    if person.name != wanted.name {
        account.rename(id, &wanted.name).await.map_err(refusal)?;
        undo.0.push(Step::Name(person.name.clone()));
    }
    Ok(())
}

async fn set_active(
    account: &dyn Account,
    id: &PersonId,
    active: bool,
) -> Result<Person, crate::account::AccountError> {
    if active { account.reactivate(id).await } else { account.suspend(id).await }
}

impl Undo {
    /// Takes everything back, the last step first. What cannot be taken back is left to the reconciler.
    pub(super) async fn run(self, account: &dyn Account, id: &PersonId) {
        for step in self.0.into_iter().rev() {
            let undone = match &step {
                Step::Email(email) => account.change_email(id, email).await,
                Step::Name(name) => account.rename(id, name).await,
                Step::Active(active) => set_active(account, id, *active).await,
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
        let refused = wanted(r#"{"userName":"anna"}"#).unwrap_err();
        assert!(refused.contains("`anna` is no e-mail address"), "{refused}");
    }

    #[test]
    fn the_name_is_the_most_explicit_one() {
        for (json, name) in [
            (r#"{"userName":"a@x","displayName":"D","name":{"formatted":"F"}}"#, "D"),
            (r#"{"userName":"a@x","displayName":" ","name":{"formatted":"F","givenName":"G"}}"#, "F"),
            (r#"{"userName":"a@x","name":{"givenName":"G","familyName":"H"}}"#, "G H"),
            (r#"{"userName":"a.b@x"}"#, "a.b"),
        ] {
            assert_eq!(wanted(json).unwrap().name, name);
        }
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
