import RecipeCLI

RecipeCLI.main()
