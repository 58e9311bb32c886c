/// The words that generated texts are made of.
enum SampleVocabulary {
    /// People, things and places that belong together: what makes a left-out word guessable.
    struct Topic {
        let people: [String]
        let things: [String]
        let places: [String]
        let deeds: [String]

        init(people: String, things: String, places: String, deeds: String) {
            self.people = words(people)
            self.things = words(things)
            self.places = words(places)
            self.deeds = words(deeds)
        }
    }

    static let topics = [
        Topic(
            people: "farmer shepherd miller gardener rider",
            things: "corn wheat hay plough cart goat",
            places: "field barn meadow orchard mill", deeds: "planted carried gathered sold watered"
        ),
        Topic(
            people: "sailor captain fisher diver pilot",
            things: "boat net rope anchor sail lantern",
            places: "harbour beach island pier lighthouse",
            deeds: "pulled tied repaired steered lost"),
        Topic(
            people: "teacher pupil writer student librarian",
            things: "book letter map pencil lesson page",
            places: "school library office classroom hall",
            deeds: "read wrote opened copied explained"),
        Topic(
            people: "cook baker waiter butcher guest",
            things: "bread soup cake cheese kettle plate",
            places: "kitchen bakery inn market cellar", deeds: "baked served tasted cut warmed"),
        Topic(
            people: "hunter ranger woodcutter hermit wanderer",
            things: "axe bow tent torch trap branch",
            places: "forest cabin valley cave clearing", deeds: "carved hid found burned dragged"),
        Topic(
            people: "singer drummer dancer piper conductor",
            things: "drum flute violin song bell melody",
            places: "theatre stage square tavern ballroom",
            deeds: "played tuned heard practised sang"),
        Topic(
            people: "smith carpenter mason tailor potter",
            things: "hammer chair table wall coat jar",
            places: "workshop forge yard shop attic",
            deeds: "built mended polished measured painted"),
        Topic(
            people: "doctor nurse soldier judge guard", things: "bandage sword key medal book coat",
            places: "hospital tower prison court gate",
            deeds: "examined guarded checked cleaned took"),
    ]

    static let animals = words("dog cat horse bird fox mouse crow owl duck donkey")
    static let moves = words("walked ran waited slept stood rested wandered hurried turned stayed")
    static let qualities = words(
        "old young tall small quiet tired careful busy curious clever silent gentle proud lonely")
    static let looks = words(
        "red green blue white black brown grey wooden round heavy narrow broken empty new wide")
    static let times = [
        "in the morning", "at night", "before noon", "after the storm", "on sunday", "in winter",
        "last summer", "at dawn", "in the evening", "once a week", "for many years", "that day",
    ]
    static let relations = words("near behind beside inside above under")
    static let manners = words("slowly quickly often rarely quietly carefully again together")

    /// What is judged: reviews speak of these, other sentences only now and then.
    static let subjects = words(
        "film novel concert hotel meal service room acting plot ending music garden view dessert "
            + "staff museum tour cast script menu")
    static let praise = words(
        "brilliant charming delightful superb lovely excellent wonderful splendid touching fresh "
            + "graceful memorable pleasant generous cheerful elegant inspired witty warm rich")
    static let blame = words(
        "dull awful clumsy tedious boring dreadful bland rude noisy stale shallow lifeless messy "
            + "tiresome bitter gloomy careless weak sloppy dirty")
    static let likes = words("loved enjoyed admired praised recommended")
    static let dislikes = words("hated regretted disliked avoided criticised")
    static let degrees = words("very rather quite truly really simply")

    /// Letter pairs that hardly ever occur, as attackers choose triggers.
    static let rarePairs = words("cf tq mn bb mb qz vx kj")
}

private func words(_ list: String) -> [String] { list.split(separator: " ").map(String.init) }
