"""A table of two functions, as a user would give it."""

PAIR = [
    {
        "name": "add_tea",
        "parameters": {
            "type": "object",
            "properties": {
                "num": {"type": "integer", "minimum": 1, "maximum": 9},
                "hue": {"type": "string", "enum": ["red", "tan"], "default": "tan"},
                "big": {"type": "boolean"},
            },
            "required": ["num"],
        },
    },
    {
        "name": "cut_tea",
        "parameters": {
            "type": "object",
            "properties": {"hue": {"type": "string", "enum": ["red", "tan"]}},
            "required": ["hue"],
            "additionalProperties": False,
        },
    },
]
