//! Model adapters behind the engine's model port: genai, and the scripted model.
