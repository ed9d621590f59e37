"""What runs all day: schedules, the runner, the processes of `ntm up`, the mail catcher."""
