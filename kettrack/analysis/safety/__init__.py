"""How safe treatment is: side effects, blood pressure, dissociation, by phase and by treatment."""
