"""Views to text: nothing here decides anything."""
