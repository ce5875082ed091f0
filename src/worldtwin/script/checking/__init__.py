"""From text to a typed tree, or a refusal that says where and what to do."""
