"""What the catalogue refuses."""

from creditmesh.chassis.errors import Conflict, Forbidden, Invalid, NotFound


class CatalogueRefused(Invalid):
    """The objects contradict the law, each other, or a higher tier's catalogue; nothing of them was published."""

    code = "catalogue_refused"
    title = "The catalogue may not be published like this"
    title_zh = "目录内容不符合发布规则"


class UnreadableFolder(Invalid):
    """The folder is not a catalogue."""

    code = "unreadable_folder"
    title = "The folder cannot be read as a catalogue"
    title_zh = "该文件夹无法作为目录读取"


class UnknownObject(NotFound):
    """The catalogue has no such object in force."""

    code = "unknown_object"
    title = "The catalogue has no such object in force on that day"
    title_zh = "该日目录中没有生效的此项内容"


class AlreadyWithdrawn(Conflict):
    """The item was withdrawn before, from another day on."""

    code = "already_withdrawn"
    title = "The item is withdrawn already"
    title_zh = "该目录条目已撤销"


class NotASandbox(Forbidden):
    """The legal date of a real node is the real date."""

    code = "not_a_sandbox"
    title = "Only a sandbox moves its legal date"
    title_zh = "仅沙箱可以调整业务日期"
