"""From processed to the tables that the business asks for."""
