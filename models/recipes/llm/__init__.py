"""The starter language model: a small llama trained on synthetic dialogues of a front desk."""
