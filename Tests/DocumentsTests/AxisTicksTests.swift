import Testing

@testable import Documents

@Suite struct AxisTicksTests {
    @Test func marksRoundNumbers() {
        #expect(AxisTicks.linear(for: [0, 97]).labels == ["0", "20", "40", "60", "80"])
        #expect(AxisTicks.linear(for: [0.2, 0.21]).labels.contains("0.204"))
        #expect(AxisTicks.linear(for: [-3, 7]).labels == ["-2", "0", "2", "4", "6"])
        #expect(AxisTicks.linear(for: [0, 4], count: 8, counting: true).labels.count == 5)
        #expect(AxisTicks.linear(for: [0, 4], count: 8).labels.count == 9)
        #expect(AxisTicks.linear(for: [0, 1.5], counting: true).labels.count > 2)
        #expect(AxisTicks.linear(for: [3, 8], includingZero: true).values.first == 0)
        #expect(
            AxisTicks.linear(for: [0, 1]).labels == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"])
    }

    static let trickyRanges: [[Double]] = [
        [], [0], [5], [-1e-9], [1e300], [-1e300, 1e300], [-1.7e308, 1.7e308],
        [0, .leastNonzeroMagnitude],
        [1, 1 + 1e-15], [1e15, 1e15 + 1], [0.1, 0.3], [1e-7, 9e-7], [999_999, 1_000_001],
        [-1e9, 1], [.nan, 2, .infinity, 3], [.nan], [1.7976931348623157e308],
        [123456.7, 123456.9],
    ]

    @Test(arguments: trickyRanges)
    func keepsItsPromisesOnLinearAxes(values: [Double]) {
        check(AxisTicks.linear(for: values), holds: values.filter(\.isFinite))
        let fromZero = AxisTicks.linear(for: values, includingZero: true)
        check(fromZero, holds: values.filter(\.isFinite) + [0])
    }

    @Test(
        arguments: trickyRanges + [
            [1, 1e12], [Double.leastNonzeroMagnitude, 1.7e308], [3, 4], [0.001, 90],
        ])
    func keepsItsPromisesOnLogarithmicAxes(values: [Double]) {
        check(AxisTicks.logarithmic(for: values), holds: values.filter { $0.isFinite && $0 > 0 })
    }

    private func check(_ ticks: AxisTicks, holds values: [Double]) {
        #expect(ticks.values.count == ticks.labels.count)
        #expect((2...20).contains(ticks.values.count), "\(ticks)")
        #expect(ticks.values.allSatisfy { ticks.range.contains($0) })
        #expect(zip(ticks.values, ticks.values.dropFirst()).allSatisfy { $0 < $1 })
        #expect(Set(ticks.labels).count == ticks.labels.count, "\(ticks.labels)")
        #expect(ticks.labels.allSatisfy { $0.count <= 24 }, "\(ticks.labels)")
        for value in values {
            #expect(ticks.range.contains(value))
            #expect(ticks.position(of: value).map { (0...1).contains($0) } == true)
        }
    }

    @Test func placesValues() {
        let linear = AxisTicks.linear(for: [0, 10])
        #expect(linear.position(of: 5) == 0.5)
        #expect(linear.position(of: .nan) == nil)
        let logarithmic = AxisTicks.logarithmic(for: [1, 100])
        #expect(logarithmic.position(of: 10) == 0.5)
        #expect(logarithmic.position(of: 0) == nil && logarithmic.position(of: -1) == nil)
        #expect(logarithmic.labels == ["1", "2", "5", "10", "20", "50", "100"])
    }
}
