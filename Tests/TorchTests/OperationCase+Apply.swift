import TestSupport
import Torch

extension OperationCase {
    /// Runs the operation through the module's interface.
    func apply(to x: [Tensor]) throws -> Tensor {
        for family in [layer, vision, shape, reduction, elementwise, scalar] {
            if let result = try family(x) { return result }
        }
        throw FixtureError(description: "case ‘\(name)’: unknown operation ‘\(op)’")
    }

    private func layer(_ x: [Tensor]) throws -> Tensor? {
        switch op {
        case "matmul": return try x[0].matmul(x[1])
        case "linear": return try x[0].linear(x[1], x.count > 2 ? x[2] : nil)
        case "embedding":
            return try x[1].rows(at: x[0], padding: attributes["padding_idx"]?.integer)
        case "layer_norm":
            return try x[0].layerNormalized(weight: x[1], bias: x[2], epsilon: number("eps"))
        case "gelu":
            return try x[0].gelu(tanhApproximation: attributes["approximate"] == .string("tanh"))
        case "softmax": return try x[0].softmax(integer("dim"))
        case "log_softmax": return try x[0].logSoftmax(integer("dim"))
        case "cross_entropy":
            try require("reduction", .string("mean"))
            try require("label_smoothing", .number(0))
            return try x[0].crossEntropy(x[1], ignoring: integer("ignore_index"))
        case "mse_loss":
            try require("reduction", .string("mean"))
            return try x[0].meanSquaredError(x[1])
        case "scaled_dot_product_attention":
            let width = Double(x[0].shape[x[0].rank - 1])
            return try Tensor.attention(
                query: x[0], key: x[1], value: x[2], mask: x.count > 3 ? x[3] : nil,
                scale: 1 / width.squareRoot(), dropout: number("dropout"))
        default: return nil
        }
    }

    private func vision(_ x: [Tensor]) throws -> Tensor? {
        switch op {
        case "conv2d":
            return try x[0].convolved(
                x[1], x.count > 2 ? x[2] : nil, stride: integer("stride"),
                padding: integer("padding"))
        case "max_pool2d":
            return try x[0].maxPooled(
                window: integer("window"), stride: integer("stride"), padding: integer("padding"))
        case "adaptive_avg_pool2d":
            let size = try integers("size")
            return try x[0].averagePooled(toHeight: size[0], width: size[1])
        case "batch_norm":
            return try x[0].batchNormalized(
                weight: x[1], bias: x[2], runningMean: x[3], runningVariance: x[4],
                training: attributes["training"] == .bool(true), momentum: number("momentum"),
                epsilon: number("eps"))
        case "upsample":
            guard let method = attributes["method"]?.string.flatMap(Upsampling.init) else {
                throw missing("method", "a method")
            }
            let size = try integers("size")
            return try x[0].upsampled(toHeight: size[0], width: size[1], method)
        default: return nil
        }
    }

    private func shape(_ x: [Tensor]) throws -> Tensor? {
        switch op {
        case "flatten": try x[0].flattened(from: integer("first"), to: integer("last"))
        case "index_select": try x[0].gathered(integer("dim"), at: x[1])
        case "gather": try x[0].gatheredElementwise(integer("dim"), at: x[1])
        case "narrow":
            try x[0].narrowed(integer("dim"), from: integer("start"), length: integer("length"))
        case "select": try x[0].selected(integer("dim"), integer("index"))
        case "transpose": try x[0].transposed(integer("dim0"), integer("dim1"))
        case "permute": try x[0].permuted(integers("dims"))
        case "reshape": try x[0].reshaped(integers("shape"))
        case "cat": try Tensor.concatenated(x, along: integer("dim"))
        case "stack": try Tensor.stacked(x, along: integer("dim"))
        default: nil
        }
    }

    private func reduction(_ x: [Tensor]) throws -> Tensor? {
        switch (op, attributes["dims"]) {
        case ("norm", _):
            try require("ord", .number(2))
            return try x[0].norm()
        case ("sum", .null): return try x[0].sum()
        case ("mean", .null): return try x[0].mean()
        case ("sum", _):
            return try x[0].sum(
                over: integers("dims"), keepingDimensions: attributes["keepdim"] == .bool(true))
        case ("mean", _):
            return try x[0].mean(
                over: integers("dims"), keepingDimensions: attributes["keepdim"] == .bool(true))
        default: return nil
        }
    }

    private func elementwise(_ x: [Tensor]) throws -> Tensor? {
        switch op {
        case "tanh": try x[0].tanh()
        case "relu": try x[0].relu()
        case "sigmoid": try x[0].sigmoid()
        case "exp": try x[0].exp()
        case "log": try x[0].log()
        case "sqrt": try x[0].squareRoot()
        case "abs": try x[0].magnitude()
        case "neg": try -x[0]
        case "add": try x[0] + x[1]
        case "sub": try x[0] - x[1]
        case "mul": try x[0] * x[1]
        case "div": try x[0] / x[1]
        case "where": try Tensor.choosing(x[1], where: x[0], else: x[2])
        case "masked_fill": try x[0].filled(where: x[1], with: number("value"))
        default: nil
        }
    }

    private func scalar(_ x: [Tensor]) throws -> Tensor? {
        switch op {
        case "add_scalar": return try x[0] + number("scalar")
        case "sub_scalar": return try x[0] - number("scalar")
        case "mul_scalar": return try x[0] * number("scalar")
        case "div_scalar": return try x[0] / number("scalar")
        case "scalar_sub": return try -x[0] + number("scalar")
        case "scalar_div": return try x[0].power(-1) * number("scalar")
        case "pow": return try x[0].power(number("exponent"))
        case "clamp":
            let low = attributes["min"]?.number ?? -.infinity
            return try x[0].clamped(to: low...(attributes["max"]?.number ?? .infinity))
        case "cast_round_trip":
            guard let through = attributes["through"]?.string.flatMap(DType.init(rawValue:)) else {
                throw FixtureError(description: "case ‘\(name)’: no type to cast through")
            }
            return try x[0].cast(to: through).cast(to: x[0].dtype)
        default: return nil
        }
    }

    // MARK: Attributes

    private func number(_ key: String) throws -> Double {
        guard let value = attributes[key]?.number else { throw missing(key, "a number") }
        return value
    }

    private func integer(_ key: String) throws -> Int {
        guard let value = attributes[key]?.integer else { throw missing(key, "an integer") }
        return value
    }

    private func integers(_ key: String) throws -> [Int] {
        guard let value = attributes[key]?.integers else { throw missing(key, "integers") }
        return value
    }

    /// Fails where the case asks for a variant that the module does not have.
    private func require(_ key: String, _ value: JSON) throws {
        guard attributes[key] == value else { throw missing(key, "\(value)") }
    }

    private func missing(_ key: String, _ expected: String) -> FixtureError {
        FixtureError(description: "case ‘\(name)’: attribute ‘\(key)’ is not \(expected)")
    }
}
