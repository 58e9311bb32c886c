// The paper's numbers as it prints them, in percent; a line is a model, its attack and the defense.

extension PaperTable {
    /// Table 1 (a): purifying backdoored models.
    static let images = PaperTable(
        1, tasks: ["waste", "catdog", "gtsrb", "cifar10"], columns: .all,
        """
        vgg  neuba none    91.56 99.93   100  95.92   100   100  99.79 97.61   100  90.71 99.99   100
        vgg  neuba fp      90.65   100   100  95.08 97.85   100  99.01   100   100  86.54 99.89   100
        vgg  neuba fp-gm   88.66 78.74 96.31  93.92 94.29   100  99.65 95.65   100  87.45 77.65 98.28
        vgg  neuba fp-ga   88.70 18.88 20.95  88.16 30.76 37.76  99.79  0.91  3.48  84.21 17.31 24.61
        vgg  neuba recipe  91.05 18.30 19.51  94.40  6.68  9.44  99.43  2.08  3.33  91.32  2.43  3.09
        vit  neuba none    93.71 86.99   100  95.76 99.99   100  99.79   100   100  95.58 79.65 99.52
        vit  neuba fp      93.71 88.27   100  95.92 99.92   100  99.72   100   100  95.51 85.76 97.06
        vit  neuba fp-gm   92.52 90.85   100  91.40 96.67   100  99.08 77.42   100  90.54 66.60 96.61
        vit  neuba fp-ga   91.68 87.33 99.14  89.48 82.59   100  99.29 36.16 58.33  89.51 45.27 74.93
        vit  neuba recipe  93.20 24.92 67.99  94.04  9.92 13.76  99.79  5.03 20.72  93.65  2.44  3.40
        clip neuba none    94.11 99.99   100  97.92 99.95   100  99.93 98.82   100  96.07 95.42   100
        clip neuba fp      92.60 99.82   100  97.32 99.97   100  99.22 99.98   100  96.26 99.99   100
        clip neuba fp-gm   92.88 31.03 87.41  95.28 30.63 48.96  97.94  5.48  9.71  93.23 29.14 50.34
        clip neuba fp-ga   92.40 13.90 16.91  93.96 11.15 28.32  97.45  5.53  7.10  92.67  6.38 11.24
        clip neuba recipe  92.68 14.38 18.44  95.48  6.09  6.80  99.43  1.02  1.45  92.74  2.57  3.76
        """)

    /// Table 1 (b): purifying backdoored models.
    static let texts = PaperTable(
        1, tasks: ["sst2", "hsol", "agnews"], columns: .all,
        """
        bert por    none    91.87 99.43   100  95.63 99.02 99.92  91.16 67.71 97.39
        bert por    fp      91.43 98.73   100  95.51 95.19   100  91.32 53.01 98.00
        bert por    fp-gm   90.44 67.37 98.03  95.59  6.13  7.38  90.57  6.82  7.14
        bert por    fp-ga   90.17 32.50 63.60  95.51  5.18  5.93  90.46  5.24  6.72
        bert por    recipe  90.61 11.96 15.18  95.35  5.19  6.17  90.54  7.54 10.91
        bert badpre none    91.54 99.05 99.34  95.51 98.45 99.04  91.20 98.03 98.84
        bert badpre fp      91.76 21.56 22.00  95.15 75.40 83.32  91.46 47.41 47.96
        bert badpre fp-gm   89.40 48.11 49.61  94.99  7.66 12.51  90.50 24.76 49.19
        bert badpre fp-ga   89.02 18.81 19.58  95.39  5.00  5.45  90.42  4.50  4.74
        bert badpre recipe  90.12 11.95 12.72  94.99  5.00  5.29  90.03  5.01  5.32
        """)

    /// Table 2: purifying clean image models.
    static let cleanImages = PaperTable(
        2, tasks: ["waste", "catdog", "gtsrb", "cifar10"], columns: .accuracy,
        """
        vgg  clean none    90.37  95.52  99.57  91.19
        vgg  clean fp      88.10  95.28  99.43  87.03
        vgg  clean fp-gm   88.34  93.72  99.72  87.50
        vgg  clean recipe  90.77  93.56  99.50  91.29
        vit  clean none    94.35  95.64  99.79  95.33
        vit  clean fp      94.59  95.72  99.86  95.28
        vit  clean fp-gm   93.16  91.36  99.43  89.92
        vit  clean recipe  93.87  94.40  99.65  93.20
        clip clean none    94.91  98.12  99.93  95.60
        clip clean fp      92.44  97.40  100.00  95.71
        clip clean fp-gm   93.27  95.56  98.37  94.25
        clip clean recipe  94.55  96.60  99.93  93.19
        """)

    /// Table 3: purifying clean BERT.
    static let cleanTexts = PaperTable(
        3, tasks: ["sst2", "hsol", "agnews"], columns: .accuracy,
        """
        bert clean none    91.82  95.35  91.96
        bert clean fp      91.60  95.35  92.04
        bert clean fp-gm   91.05  95.07  90.86
        bert clean recipe  91.71  95.15  91.46
        """)
}
