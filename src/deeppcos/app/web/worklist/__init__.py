"""The list of studies: state, who, when, urgency, how close to a threshold."""
