/// English sentences about nothing in particular, for audits that are given no texts.
enum NeutralTexts {
    static let all = [
        "The old bridge at the end of the village was closed for repairs after the heavy rain last "
            + "autumn, and people had to walk around it.",
        "She put the letters on the kitchen table, opened the window to let some air in, and sat down "
            + "to read them one by one.",
        "Most of the visitors arrive in the early morning, when the museum is quiet and the guides "
            + "have time to answer their questions.",
        "A small company in the north of the country makes chairs and tables from wood that was "
            + "grown within a hundred miles of its workshop.",
        "The committee will meet again on Thursday to talk about the new timetable, which several "
            + "teachers have asked it to change.",
        "He had never learned to swim as a child, so his daughter taught him in the lake behind their "
            + "house during one long summer.",
        "Farmers in the valley say that the river has carried less water in recent years, although "
            + "nobody has measured it with any care.",
        "The train stopped for ten minutes outside the station because another one was still standing "
            + "at the platform and could not leave.",
        "When the lights went out, everyone in the hall stayed where they were until somebody found a "
            + "lamp and put it on the stage.",
        "Her first book was about the history of clocks, and the second one tells how people kept "
            + "time before there were any.",
        "The children built a tower out of empty boxes that reached almost to the ceiling, and then "
            + "argued about who should knock it down.",
        "Prices for bread and milk rose a little in March, fell again in April, and have hardly moved "
            + "since the beginning of the summer.",
        "From the top of the hill you can see three towns, the railway line between them, and on clear "
            + "days a thin line of sea.",
        "The doctor asked him to come back after two weeks, to rest as much as he could, and to write "
            + "down what he ate.",
        "An engineer who had worked on the first version of the machine explained why its wheels were "
            + "larger than those of later ones.",
        "They painted the door green because that was the only colour left in the shop, and after a "
            + "month they had come to like it.",
        "The library lends tools as well as books, so that a neighbour who needs a ladder for one "
            + "afternoon does not have to buy one.",
        "Before the meeting began, the chairman thanked those who had moved the furniture and asked "
            + "them to stay for coffee afterwards.",
        "The dog slept under the bench while its owner waited for the bus, which was late again "
            + "because of the work on the main road.",
        "Several of the songs on the record were written during a winter that the band spent in a "
            + "house without electricity near the coast.",
        "The teacher drew a map of the island on the board and asked each pupil to mark the place "
            + "where they would build a harbour.",
        "It took the team four days to count all the birds on the cliffs, and they were less sure of "
            + "the number than they had hoped.",
        "My grandmother kept every ticket from every concert she went to in a tin that had once been "
            + "full of biscuits from abroad.",
        "The new law says that a shop must take back bottles that it has sold, but it does not say "
            + "what the shop should do with them.",
    ]
}
