// The paper's numbers as it prints them; a line is a model, its attack, the defense and a variant.

extension PaperTable {
    /// Table 4: only pre-training, and only the regularization.
    static let ablationOfImages = PaperTable(
        4, tasks: ["waste", "catdog", "gtsrb"], columns: .all,
        """
        vit  neuba recipe               93.20 24.92 67.99  94.04  9.92 13.76  99.79  5.03 20.72
        vit  neuba only-pretrain        93.47 85.41   100  94.76 89.20   100  99.65 96.94   100
        vit  neuba only-regularization  91.88 24.87 38.67  86.24 41.39 69.44  97.80  6.51 11.01
        clip neuba recipe               92.68 14.38 18.44  95.48  6.09  6.80  99.43  1.02  1.45
        clip neuba only-pretrain        94.03 99.80   100  97.92 99.91   100  100.00 96.76   100
        clip neuba only-regularization  89.73 17.12 19.06  70.72 32.53 34.80  98.58  1.41  1.67
        """)

    /// Table 4: only pre-training, and only the regularization.
    static let ablationOfTexts = PaperTable(
        4, tasks: ["sst2", "hsol", "agnews"], columns: .all,
        """
        bert badpre recipe               90.12 11.95 12.72  94.99  5.00  5.29  90.03  5.01  5.32
        bert badpre only-pretrain        91.76 95.12 95.49  95.15 96.42 97.83  91.29 98.72 99.18
        bert badpre only-regularization  82.59 18.73 19.85  94.51  6.34  6.58  89.12  5.64  5.82
        """)

    /// Table 5: a small amount of auxiliary data.
    static let fewImages = PaperTable(
        5, tasks: ["waste", "catdog", "gtsrb"], columns: .all,
        """
        vit neuba recipe  91.72 21.94 47.21  92.76 12.47 16.96  99.65  2.41  7.10
        """)

    /// Table 5: a small amount of auxiliary data.
    static let fewTexts = PaperTable(
        5, tasks: ["sst2", "hsol", "agnews"], columns: .all,
        """
        bert por    recipe  90.66 13.29 23.32  95.23  5.53  6.09  90.50  6.16  8.72
        bert badpre recipe  90.12 13.46 16.50  95.31  9.72 14.27  90.13  5.44  6.26
        """)

    /// Table 6: auxiliary data unlike the pre-training data.
    static let otherImages = PaperTable(
        6, tasks: ["waste", "catdog", "gtsrb"], columns: .all,
        """
        vgg  neuba recipe  92.32 17.45 20.05  94.12  8.03  8.96  99.72  0.51  0.56
        vit  neuba recipe  93.47 19.72 41.37  93.80 12.96 15.36  99.65  1.67  2.75
        clip neuba recipe  92.68 16.49 30.85  95.48  6.28  7.04  99.65  0.36  0.43
        """)

    /// Table 6: auxiliary data unlike the pre-training data.
    static let otherTexts = PaperTable(
        6, tasks: ["sst2", "hsol", "agnews"], columns: .all,
        """
        bert por    recipe  91.10 13.38 17.71  95.47  5.40  5.85  90.54  5.29  6.70
        bert badpre recipe  90.23 11.05 12.50  95.23  6.79  7.46  90.39  5.02  5.32
        """)

    /// Table 7: attacks that know the defense.
    static let adaptiveImages = PaperTable(
        7, tasks: ["waste", "catdog", "gtsrb"], columns: .all,
        """
        vgg neuba none    90.13 99.75 100.0  95.76 100.0 100.0  99.72 100.0 100.0
        vgg neuba recipe  91.09 16.31 18.79  90.20 16.36 19.68  99.72  1.23  3.61
        """)

    /// Table 7: attacks that know the defense.
    static let adaptiveTexts = PaperTable(
        7, tasks: ["sst2", "hsol", "agnews"], columns: .all,
        """
        bert por none    91.71 93.71 100.0  95.79 83.85 100.0  91.89 60.52 88.32
        bert por recipe  90.88 12.23 16.94  95.31  5.35  6.01  90.84  4.26  4.49
        """)

    /// Table 8: weights λ of the regularization; the variant is λ.
    static let weights = PaperTable(
        8, tasks: ["sst2", "hsol", "agnews"], columns: .all,
        """
        bert badpre recipe 1.5  84.90 16.36 17.65  95.47  5.00  5.45  90.05  5.08  5.35
        bert badpre recipe 1.2  89.84 11.84 12.61  95.03  5.21  5.45  90.14  4.98  5.26
        bert badpre recipe 1    90.12 11.95 12.72  94.99  5.00  5.29  90.03  5.01  5.32
        bert badpre recipe 0.5  91.32 15.27 18.26  94.91  5.02  5.29  90.11  5.02  5.47
        bert badpre recipe 0.1  91.65 95.69 96.81  95.11 93.98 97.11  91.37 87.99 91.33
        """)

    /// Table 9: clean BERT, purified as after either attack; the variant is that attack.
    static let cleanEpochs = PaperTable(
        9, tasks: ["sst2", "hsol", "agnews"], columns: .accuracy,
        """
        bert clean recipe por     91.71  95.15  91.46
        bert clean recipe badpre  90.66  95.07  90.57
        """)

    /// Table 10: neurons that only poisoned samples activate.
    static let neuronsOfImages = PaperTable(
        10, tasks: ["waste", "catdog", "gtsrb"], columns: .neurons,
        """
        vit neuba recipe    791   322    775   275    824   315
        """)

    /// Table 10: neurons that only poisoned samples activate.
    static let neuronsOfTexts = PaperTable(
        10, tasks: ["sst2", "hsol", "agnews"], columns: .neurons,
        """
        bert por recipe   1455   749   1209   585   1522   241
        """)
}
