//! The rules: names, what each is about, and which have to be asked for. Names and descriptions are BuildKit's, so that
//! `# check=skip=NAME` of existing files means the same here.

/// One rule.
#[derive(PartialEq, Eq, Debug)]
pub struct Rule {
    /// As `# check=` and reports name it.
    pub name: &'static str,
    /// Stable code of the warning; its page in spec/errors shows how to comply.
    pub code: &'static str,
    /// What the rule says, in one sentence.
    pub description: &'static str,
    /// True when it is silent unless `experimental=` asks for it.
    pub experimental: bool,
}

impl Rule {
    /// In which pass over the file BuildKit looks at the rule.
    pub(super) fn pass(&self) -> u8 {
        match self.name {
            "NoEmptyContinuation" => 0,
            "StageNameCasing" | "FromAsCasing" | "MaintainerDeprecated" | "InvalidDefinitionDescription" => 1,
            "ReservedStageName" | "DuplicateStageName" => 2,
            "ConsistentInstructionCasing" => 3,
            "UndefinedArgInFrom" | "InvalidDefaultArgInFrom" | "RedundantTargetPlatform" => 4,
            "FromPlatformFlagConstDisallowed" => 4,
            _ => 5,
        }
    }

    /// The page of Docker's documentation about the rule.
    pub fn url(&self) -> String {
        let slug = self.code.split_once("::").map_or(self.code, |(_, slug)| slug);
        format!("https://docs.docker.com/go/dockerfile/rule/{slug}/")
    }
}

macro_rules! rules {
    ($($constant:ident $name:literal $code:literal $experimental:literal $description:literal;)*) => {
        $(
            #[doc = $description]
            pub const $constant: &Rule = &Rule {
                name: $name,
                code: $code,
                description: $description,
                experimental: $experimental,
            };
        )*
        /// All rules.
        pub const ALL: &[&Rule] = &[$($constant),*];
    };
}

rules! {
    STAGE_NAME_CASING "StageNameCasing" "lint::stage-name-casing" false
        "Stage names should be lowercase";
    FROM_AS_CASING "FromAsCasing" "lint::from-as-casing" false
        "The 'as' keyword should match the case of the 'from' keyword";
    NO_EMPTY_CONTINUATION "NoEmptyContinuation" "lint::no-empty-continuation" false
        "Empty continuation lines will become errors in a future release";
    CONSISTENT_INSTRUCTION_CASING "ConsistentInstructionCasing" "lint::consistent-instruction-casing" false
        "All commands within the Dockerfile should use the same casing (either upper or lower)";
    DUPLICATE_STAGE_NAME "DuplicateStageName" "lint::duplicate-stage-name" false
        "Stage names should be unique";
    RESERVED_STAGE_NAME "ReservedStageName" "lint::reserved-stage-name" false
        "Reserved words should not be used as stage names";
    JSON_ARGS_RECOMMENDED "JSONArgsRecommended" "lint::json-args-recommended" false
        "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals";
    MAINTAINER_DEPRECATED "MaintainerDeprecated" "lint::maintainer-deprecated" false
        "The MAINTAINER instruction is deprecated, use a label instead to define an image author";
    UNDEFINED_ARG_IN_FROM "UndefinedArgInFrom" "lint::undefined-arg-in-from" false
        "FROM command must use declared ARGs";
    WORKDIR_RELATIVE_PATH "WorkdirRelativePath" "lint::workdir-relative-path" false
        "Relative workdir without an absolute workdir declared within the build can have unexpected results if the base image changes";
    UNDEFINED_VAR "UndefinedVar" "lint::undefined-var" false
        "Variables should be defined before their use";
    MULTIPLE_INSTRUCTIONS_DISALLOWED "MultipleInstructionsDisallowed" "lint::multiple-instructions-disallowed" false
        "Multiple instructions of the same type should not be used in the same stage";
    LEGACY_KEY_VALUE_FORMAT "LegacyKeyValueFormat" "lint::legacy-key-value-format" false
        "Legacy key/value format with whitespace separator should not be used";
    INVALID_BASE_IMAGE_PLATFORM "InvalidBaseImagePlatform" "lint::invalid-base-image-platform" false
        "Base image platform does not match expected target platform";
    REDUNDANT_TARGET_PLATFORM "RedundantTargetPlatform" "lint::redundant-target-platform" false
        "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior";
    SECRETS_USED_IN_ARG_OR_ENV "SecretsUsedInArgOrEnv" "lint::secrets-used-in-arg-or-env" false
        "Sensitive data should not be used in the ARG or ENV commands";
    INVALID_DEFAULT_ARG_IN_FROM "InvalidDefaultArgInFrom" "lint::invalid-default-arg-in-from" false
        "Default value for global ARG results in an empty or invalid base image name";
    FROM_PLATFORM_FLAG_CONST_DISALLOWED "FromPlatformFlagConstDisallowed" "lint::from-platform-flag-const-disallowed" false
        "FROM --platform flag should not use a constant value";
    COPY_IGNORED_FILE "CopyIgnoredFile" "lint::copy-ignored-file" false
        "Attempting to Copy file that is excluded by .dockerignore";
    INVALID_DEFINITION_DESCRIPTION "InvalidDefinitionDescription" "lint::invalid-definition-description" true
        "Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this is not intended to be a description comment, add an empty line or comment between the instruction and the comment.";
    EXPOSE_PROTO_CASING "ExposeProtoCasing" "lint::expose-proto-casing" false
        "Protocol in EXPOSE instruction should be lowercase";
    EXPOSE_INVALID_FORMAT "ExposeInvalidFormat" "lint::expose-invalid-format" false
        "IP address and host-port mapping should not be used in EXPOSE instruction. This will become an error in a future release";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_its_own_name_and_code() {
        assert_eq!(ALL.len(), 22);
        for rule in ALL {
            let letters = |text: &str| text.chars().filter(char::is_ascii_alphabetic).collect::<String>();
            let slug = rule.code.strip_prefix("lint::").unwrap_or_default();
            assert_eq!(letters(slug), rule.name.to_lowercase());
        }
    }
}
