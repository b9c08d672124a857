"""Who answers: everything that can answer a Messages API request is a model."""
