import Foundation
import TestSupport
import Testing

/// `--weights` on a file that holds a student and a teacher, which differ.
@Suite struct WeightsChoiceCommandTests {
    @Test func asksWhichAndTakesIt() throws {
        try withTemporaryFolder { scratch in
            let file = scratch.appending(path: "vgg16_bn.pth")
            try FileManager.default.copyItem(
                at: Fixture("hostile").file("choice/vgg16_bn.pth"), to: file)
            let tool = Tool(folder: scratch)
            for command in ["inspect vgg16_bn.pth", "verify vgg16_bn.pth vgg16_bn.pth"] {
                let refused = try tool.run(command)
                #expect(refused.status != 0)
                #expect(refused.errors.contains("'student' (97 tensors), 'teacher' (97 tensors)"))
                #expect(refused.errors.contains("--weights KEY"))
            }
            let taken = try tool.run("inspect vgg16_bn.pth --weights teacher")
            #expect(taken.status == 0, "\(taken.errors)")
            #expect(taken.output.contains("teacher: 97 tensors, the model"), "\(taken.output)")
            #expect(taken.output.contains("student: 97 tensors, not chosen"), "\(taken.output)")
            #expect(
                try tool.run("inspect vgg16_bn.pth --weights nobody").errors.contains("teacher"))
        }
    }
}
