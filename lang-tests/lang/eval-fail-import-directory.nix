import ./data
