"""The rules, a room for each stage, a file for each defect."""
