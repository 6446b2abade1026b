use async_trait::async_trait;
use runloom_domain::{ToolClass, ToolDefinition};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Tool, ToolContext, ToolError, ToolReply};

/// A tool whose arguments are a type: its schema is derived, with the comments on its fields as
/// their descriptions, and a call gets it read. A [`ToolBox`](super::ToolBox) takes it as any
/// [`Tool`]; one that needs more than this is a `Tool` by itself.
#[async_trait]
pub trait TypedTool: Send + Sync + 'static {
    /// The arguments.
    type Arguments: DeserializeOwned + JsonSchema + Send;

    /// The name the model calls: letters, digits, `_` and `-`, at most 64.
    const NAME: &'static str;

    /// What it does, for the model.
    const DESCRIPTION: &'static str;

    /// What a crash in mid-call means. By default it must not happen twice.
    fn class(&self) -> ToolClass {
        ToolClass::Once
    }

    /// Runs the tool. Dropping the future cancels the call: the tool must stop then, and
    /// leave nothing running behind.
    async fn run(
        &self,
        context: ToolContext,
        arguments: Self::Arguments,
    ) -> Result<ToolReply, ToolError>;
}

#[async_trait]
impl<T: TypedTool> Tool for T {
    fn definition(&self) -> ToolDefinition {
        ToolDefinition {
            name: T::NAME.to_owned(),
            description: T::DESCRIPTION.to_owned(),
            schema: schema::<T::Arguments>(),
        }
    }

    fn class(&self) -> ToolClass {
        TypedTool::class(self)
    }

    async fn call(&self, context: ToolContext, arguments: Value) -> Result<ToolReply, ToolError> {
        let arguments = serde_json::from_value(arguments)
            .map_err(|error| ToolError::invalid_arguments(error.to_string()))?;
        self.run(context, arguments).await
    }
}

/// Written out whole and without titles, since models read it.
fn schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("title");
    schema.to_value()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::port::tool::ToolBox;

    struct Add;

    /// Numbers.
    #[derive(Deserialize, JsonSchema)]
    struct Numbers {
        /// What is added up.
        all: Vec<i64>,
    }

    #[async_trait]
    impl TypedTool for Add {
        type Arguments = Numbers;
        const NAME: &'static str = "add";
        const DESCRIPTION: &'static str = "Add numbers.";

        async fn run(&self, _: ToolContext, numbers: Numbers) -> Result<ToolReply, ToolError> {
            Ok(numbers.all.iter().sum::<i64>().to_string().into())
        }
    }

    #[test]
    fn its_schema_is_that_of_its_type() {
        let tools = ToolBox::default().with(Add);
        let tool = tools.get("add").unwrap();
        assert_eq!(tool.class(), ToolClass::Once);
        let schema = tool.definition().schema;
        assert_eq!(schema["required"], json!(["all"]));
        assert_eq!(
            schema["properties"]["all"]["description"],
            "What is added up."
        );
        assert_eq!((schema.get("$schema"), schema.get("title")), (None, None));
        let compiled = crate::argument_schema::ArgumentSchema::compile(&schema).unwrap();
        assert!(compiled.check(&json!({"all": [1, 2]})).is_ok());
        assert!(compiled.check(&json!({"all": ["1"]})).is_err());
    }
}
